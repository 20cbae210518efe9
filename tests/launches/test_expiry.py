"""Launches that nobody comes back to."""

from __future__ import annotations

from hpcbinderhub.database import Database
from hpcbinderhub.events import EventLog
from hpcbinderhub.launches.expiry import DAY, HOUR, Expiry
from hpcbinderhub.launches.options import Existing
from hpcbinderhub.launches.records import LaunchBook, Request, State
from hpcbinderhub.trust.reach import Reach


class Clock:
    """A clock that is set by hand."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_a_launch_waits_a_day_for_its_owner_and_is_remembered_for_a_year(
    database: Database,
) -> None:
    clock = Clock()
    events = EventLog(database, clock)
    book = LaunchBook(database, clock)
    expiry = Expiry(database, book, events, parked_hours=24, record_days=365, clock=clock)
    url = "https://example.org/x"
    launch = await book.add(
        Request(
            user="alice", server="x", spec=f"git/{url}/HEAD", repo_url=url, ref="HEAD",
            profile="p", account=None, minutes=None, nodes=None, gpus=None, open="",
            workspace="tides",
            existing=Existing.KEEP,
            start_when_ready=False,
            reach=Reach.CLOSED,
        )
    )  # fmt: skip
    await book.change(launch.id, State.RESOLVING, state=State.PARKED)

    clock.now += 23 * HOUR
    await expiry.tidy()
    parked = await book.get(launch.id)
    assert parked is not None
    assert parked.state is State.PARKED

    clock.now += 2 * HOUR
    await expiry.tidy()
    expired = await book.get(launch.id)
    assert expired is not None
    assert expired.state is State.FAILED
    assert expired.failure is not None
    assert "waited 24 hours for you" in expired.failure["message"]
    told = await events.since(launch.stream, 0)
    assert [event.phase for event in told] == ["failed"]

    clock.now += 366 * DAY
    await expiry.tidy()
    assert await book.get(launch.id) is None
    assert await events.since(launch.stream, 0) == []
