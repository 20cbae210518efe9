"""A session from its beginning to its end, by a clock that is turned by hand."""

from __future__ import annotations

from hpcbinder.session.activity import Activity
from hpcbinder.session.hub import Unanswered
from hpcbinder.session.session import Session
from hpcbinder.session.terms import Terms


class MadeUpHub:
    """A hub that says what the test wants."""

    def __init__(self, says: float | None) -> None:
        self.says = says
        self.down = False
        self.told: list[str] = []

    async def left(self) -> float | None:
        self.answer()
        return self.says

    async def ending(self, why: str, **more: object) -> None:
        self.answer()
        self.told.append(" ".join([why, *map(str, more.values())]))

    async def extend(self, minutes: int) -> float | None:
        self.answer()
        assert self.says is not None
        self.says += minutes * 60
        return self.says

    def answer(self) -> None:
        if self.down:
            raise Unanswered("The hub is down.")


class Bench:
    """A session whose clock stands until it is turned."""

    def __init__(self, left: float | None = 7200.0, idle_minutes: int | None = None) -> None:
        self.now = 0.0
        self.hub = MadeUpHub(left)
        self.said: list[str] = []
        self.stopped = 0
        terms = Terms(left, 120, idle_minutes, 30, "https://hub/session", "https://hub/mine")
        activity = Activity(0.0)
        self.session = Session(
            terms, self.hub, activity, self.stop, self.said.append, lambda: self.now
        )

    async def run(self, seconds: float) -> dict[str, object]:
        end = self.now + seconds
        while self.now < end and not self.stopped:
            self.now = min(end, self.now + 5)
            await self.session.tick()
        return self.session.state()

    def stop(self) -> None:
        self.stopped += 1


async def test_time_runs_down_and_everything_is_saved() -> None:
    bench = Bench(left=600.0)
    bench.hub.down = True
    state = await bench.run(470)
    assert (state["left"], state["saves"]) == (130.0, 0)
    state = await bench.run(20)
    assert (state["left"], state["saves"]) == (110.0, 1)
    # The end itself is Slurm's.
    await bench.run(600)
    assert not bench.stopped


async def test_a_limit_that_was_changed_shows_within_a_minute() -> None:
    bench = Bench(left=600.0)
    bench.hub.says = 5000.0
    state = await bench.run(60)
    assert state["left"] == 5000.0


async def test_a_server_in_which_nothing_runs_warns_tells_the_hub_and_stops() -> None:
    bench = Bench(idle_minutes=30)
    state = await bench.run(24 * 60)
    assert state["unused_stops_in"] is None
    state = await bench.run(2 * 60)
    assert state["unused_stops_in"] == 4 * 60
    state = await bench.run(5 * 60)
    assert (bench.stopped, bench.hub.told, state["ending"]) == (1, ["idle"], "idle")
    assert bench.said == ["Nothing has run in this server for 30 minutes: it stops."]


async def test_it_stops_without_the_hub_too() -> None:
    bench = Bench(idle_minutes=1)
    bench.hub.down = True
    await bench.run(90)
    assert bench.stopped == 1
    assert bench.said[-1] == "The hub could not be told (The hub is down.)."


async def test_a_server_ends_with_its_notebook_when_the_hub_has_heard_how() -> None:
    bench = Bench(idle_minutes=1)
    bench.hub.down = True
    bench.session.run_is_over(1, "A cell failed.")
    await bench.run(240)
    assert not bench.stopped
    bench.hub.down = False
    state = await bench.run(30)
    assert bench.hub.told == ["run 1 A cell failed."]
    assert (bench.stopped, state["ending"]) == (1, "run")


async def test_it_does_not_wait_for_the_hub_for_ever() -> None:
    bench = Bench()
    bench.hub.down = True
    bench.session.run_is_over(0, "It ran to its end.")
    await bench.run(600)
    assert (bench.stopped, bench.now) == (1, 300.0)


async def test_keep_it_is_use() -> None:
    bench = Bench(idle_minutes=30)
    await bench.run(26 * 60)
    bench.session.used()
    assert bench.session.state()["unused_stops_in"] is None
    await bench.run(20 * 60)
    assert not bench.stopped


async def test_more_time_counts_at_once() -> None:
    bench = Bench(left=600.0)
    await bench.session.extend()
    assert bench.session.state()["left"] == 600.0 + 30 * 60


async def test_without_a_rule_it_goes_on_unused() -> None:
    bench = Bench(left=None)
    state = await bench.run(3600)
    assert not bench.stopped
    assert (state["left"], state["unused_stops_in"]) == (None, None)
