"""Random schedules of people and workers: whatever happens, no build is lost or built by two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import create_engine, func, select

from hpcbinderhub.builds import claims, lookups, orders
from hpcbinderhub.builds.queue import NO_LIMITS
from hpcbinderhub.builds.records import LeaseLost, Order, Priority, stream
from hpcbinderhub.tables import builds, events, images, metadata

LEASE = 10.0
KEYS = st.sampled_from(["red", "green", "blue"])
ASKERS = st.sampled_from(["alice", "bob"])
WORKERS = st.sampled_from(["one", "two", "three"])
ARTEFACT = "a" * 64


class Schedule(RuleBasedStateMachine):
    """The queue beside a model of who holds what, and until when."""

    url = "sqlite://"

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine(self.url)
        metadata.drop_all(self.engine)
        metadata.create_all(self.engine)
        self.now = 1000.0
        self.asked: dict[str, None] = {}
        self.held: dict[str, tuple[str, float]] = {}
        """Builds that a worker believes to be its own, by build: the worker, and its lease."""

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        with self.engine.begin() as connection:
            return function(connection, *arguments)

    def state(self, build: str) -> str:
        found = self.call(lookups.find_build, build)
        assert found
        return str(found.state)

    # -- people ----------------------------------------------------------------------------------

    @rule(key=KEYS, asker=ASKERS, priority=st.sampled_from(Priority))
    def ask(self, key: str, asker: str, priority: Priority) -> None:
        order = Order(key, f"https://example.org/{key}", "main", "0" * 40, asker, priority)
        build = self.call(orders.find_or_add, order, NO_LIMITS, self.now)
        self.asked[build.id] = None

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        build = data.draw(st.sampled_from(list(self.asked)))
        live = self.state(build) in ("queued", "running")
        assert (self.call(orders.cancel, build, "carol", self.now) is not None) == live

    # -- workers ---------------------------------------------------------------------------------

    @rule(worker=WORKERS, most=st.sampled_from([0, 1]))
    def claim(self, worker: str, most: int) -> None:
        build = self.call(claims.claim_next, worker, self.now, self.now + LEASE, most)
        if build is None:
            return
        _, until = self.held.get(build.id, ("", 0.0))
        assert until < self.now, "claimed while another's lease runs"
        self.held[build.id] = (worker, self.now + LEASE)

    def work(self, data: st.DataObject, function: Callable[..., Any], *arguments: Any) -> str:
        """Let a worker do something with a build that it believes in; only its holder may."""
        build = data.draw(st.sampled_from(list(self.held)))
        worker, _ = self.held[build]
        found = self.call(lookups.find_build, build)
        its_own = found.state == "running" and found.worker == worker
        try:
            self.call(function, build, worker, *arguments)
        except LeaseLost:
            assert not its_own
            del self.held[build]
            return ""
        assert its_own
        return str(build)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def report(self, data: st.DataObject) -> None:
        until = self.now + LEASE
        line = [("building", "a line", {})]
        build = self.work(data, claims.renew_and_append, self.now, until, line)
        if build:
            self.held[build] = (self.held[build][0], until)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        self.held.pop(self.work(data, claims.finish, self.now, ARTEFACT, 1, None), None)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        failure = {"message": "No.", "cause": data.draw(st.sampled_from(["network", "timeout"]))}
        self.held.pop(self.work(data, claims.fail, self.now, failure), None)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        self.held.pop(self.work(data, claims.release, self.now), None)

    @rule()
    def reconcile(self) -> None:
        self.call(claims.reconcile, self.now)

    @rule(seconds=st.floats(0.5, 2.5 * LEASE))
    def wait(self, seconds: float) -> None:
        """A worker that says nothing meanwhile is as good as crashed."""
        self.now += seconds

    # -- what always holds -------------------------------------------------------------------------

    @invariant()
    def one_live_build_for_each_key(self) -> None:
        live = builds.c.state.in_(("queued", "running"))
        with self.engine.begin() as connection:
            counts = connection.execute(
                select(func.count()).where(live).group_by(builds.c.key)
            ).scalars()
            assert all(count == 1 for count in counts)

    @invariant()
    def no_build_is_lost(self) -> None:
        for build in self.asked:
            assert self.state(build) in ("queued", "running", "done", "failed")

    @invariant()
    def events_are_numbered_without_gaps_and_end_once(self) -> None:
        with self.engine.begin() as connection:
            for build in self.asked:
                rows = connection.execute(
                    select(events.c.number, events.c.phase)
                    .where(events.c.stream == stream(build))
                    .order_by(events.c.number)
                ).all()
                assert [row.number for row in rows] == list(range(1, len(rows) + 1))
                ends = [row.phase for row in rows if row.phase in ("built", "failed")]
                over = self.state_in(connection, build) in ("done", "failed")
                assert len(ends) == (1 if over else 0)

    @invariant()
    def what_is_built_has_an_image(self) -> None:
        with self.engine.begin() as connection:
            done = connection.execute(
                select(builds.c.key).where(builds.c.state == "done").distinct()
            ).scalars()
            known = set(connection.execute(select(images.c.key)).scalars())
            assert set(done) <= known

    @staticmethod
    def state_in(connection: Any, build: str) -> str:
        return str(connection.execute(select(builds.c.state).where(builds.c.id == build)).scalar())

    def teardown(self) -> None:
        """When everybody is back and patient, everything ends."""
        for _ in range(len(self.asked) * (claims.MAX_ATTEMPTS + 1)):
            self.now += 10 * LEASE
            self.call(claims.reconcile, self.now)
            build = self.call(claims.claim_next, "last", self.now, self.now + LEASE)
            if build:
                self.call(claims.finish, build.id, "last", self.now, ARTEFACT, 1, None)
        assert all(self.state(build) in ("done", "failed") for build in self.asked)
        self.engine.dispose()


SETTINGS = settings(max_examples=60, stateful_step_count=40, deadline=None, print_blob=True)
Schedule.TestCase.settings = SETTINGS
TestSchedule = pytest.mark.slow(Schedule.TestCase)


@pytest.mark.slow
def test_schedule_on_postgresql(postgres_url: str) -> None:
    class OnPostgreSQL(Schedule):
        url = postgres_url

    run_state_machine_as_test(OnPostgreSQL, settings=SETTINGS)
