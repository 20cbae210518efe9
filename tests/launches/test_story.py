"""A launch and its build as one stream, wherever one begins to read."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from hpcbinderhub.builds.records import stream as build_stream
from hpcbinderhub.database import Database
from hpcbinderhub.events import EventLog
from hpcbinderhub.launches.options import Existing
from hpcbinderhub.launches.records import Launch, LaunchBook, Request
from hpcbinderhub.launches.story import Position, Told, tell
from hpcbinderhub.trust.reach import Reach

BUILD = "b" * 16
OTHER = "c" * 16


@pytest.fixture
def events(database: Database) -> EventLog:
    return EventLog(database)


@pytest.fixture
async def launch(database: Database) -> Launch:
    url = "https://example.org/x"
    return await LaunchBook(database).add(
        Request(
            user="alice", server="x", spec=f"git/{url}/HEAD", repo_url=url, ref="HEAD",
            profile="p", account=None, minutes=None, nodes=None, gpus=None, open="",
            workspace="tides",
            existing=Existing.KEEP,
            start_when_ready=True,
            reach=Reach.CLOSED,
        )
    )  # fmt: skip


async def read(events: EventLog, launch: Launch, since: Position | None = None) -> list[Told]:
    async with (
        asyncio.timeout(60),
        aclosing(tell(events, launch, since or Position("launch", launch.id))) as story,
    ):
        return [told async for told in story]


def messages(told: list[Told]) -> list[str]:
    return [one.event.message for one in told]


async def happen(events: EventLog, launch: Launch) -> None:
    """A launch with a build, as it comes to pass."""
    await events.append(launch.stream, "fetching", "fetch")
    await events.append(build_stream(BUILD), "waiting", "in the queue")
    await events.append(launch.stream, "building", "build", build=BUILD, commit="f" * 40)
    for number in range(3):
        await events.append(build_stream(BUILD), "building", f"line {number}")
    await events.append(build_stream(BUILD), "built", "the build's own word")
    await events.append(launch.stream, "built", "built", artefact="a" * 64)
    await events.append(launch.stream, "launching", "launch")
    await events.append(launch.stream, "ready", "ready", url="/user/alice/x/")


WHOLE = [
    "fetch", "build", "in the queue", "line 0", "line 1", "line 2", "built", "launch", "ready",
]  # fmt: skip


async def test_the_builds_events_stand_where_the_launch_waited_for_them(
    events: EventLog, launch: Launch
) -> None:
    await happen(events, launch)
    told = await read(events, launch)
    assert messages(told) == WHOLE
    assert told[-1].facts == {
        "build": BUILD, "commit": "f" * 40, "artefact": "a" * 64, "url": "/user/alice/x/",
    }  # fmt: skip


async def test_from_every_position_the_rest_is_told_once(events: EventLog, launch: Launch) -> None:
    await happen(events, launch)
    whole = await read(events, launch)
    for seen, told in enumerate(whole, start=1):
        position = Position.parse(str(told.position))
        rest = await read(events, launch, position)
        assert messages(rest) == WHOLE[seen:]
        assert all(one.facts.items() >= told.facts.items() for one in rest)


async def test_who_reads_while_it_happens_reads_the_same(events: EventLog, launch: Launch) -> None:
    readers = [asyncio.create_task(read(events, launch)) for _ in range(3)]
    await asyncio.sleep(0)
    await happen(events, launch)
    for reader in readers:
        assert messages(await reader) == WHOLE


async def test_a_build_is_told_to_its_end_before_the_launch_goes_on(
    events: EventLog, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where the database is slow: the build's stream is read into memory late.
    heard = events.ring
    monkeypatch.setattr(events, "ring", lambda stream: stream == launch.stream and heard(stream))
    reader = asyncio.create_task(read(events, launch))
    await asyncio.sleep(0.05)
    await events.append(launch.stream, "building", "build", build=BUILD)
    await events.append(build_stream(BUILD), "building", "line 0")
    await asyncio.sleep(0.05)
    await events.append(build_stream(BUILD), "building", "line 1")
    await events.append(launch.stream, "failed", "No.")
    assert messages(await reader) == ["build", "line 0", "line 1", "No."]


async def test_a_launch_that_is_cancelled_does_not_wait_for_its_build(
    events: EventLog, launch: Launch
) -> None:
    await events.append(build_stream(BUILD), "building", "line")
    await events.append(launch.stream, "building", "build", build=BUILD)
    reader = asyncio.create_task(read(events, launch))
    await asyncio.sleep(0.05)
    await events.append(launch.stream, "failed", "Cancelled.")
    assert messages(await reader) == ["build", "line", "Cancelled."]


async def test_another_build_begins_at_its_own_first_event(
    events: EventLog, launch: Launch
) -> None:
    for build in (BUILD, OTHER):
        await events.append(launch.stream, "building", f"build {build[0]}", build=build)
        await events.append(build_stream(build), "building", f"line of {build[0]}")
    await events.append(launch.stream, "failed", "No.")
    # The first build was given up before anybody read; what it said is still told.
    assert messages(await read(events, launch)) == [
        "build b", "line of b", "build c", "line of c", "No.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "5", "launch:abc", "launch:aaaaaaaa:x:1", "build:aaaaaaaa:1;2", "Launch:aaaaaaaa:1:1",
     "launch:aaaaaaaa:1:1\n", "launch:aaaaaaaa:²:1"],
)  # fmt: skip
def test_what_is_no_position_is_none(text: str) -> None:
    assert Position.parse(text) is None
