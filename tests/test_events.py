"""Streams of events: one reader for all who follow, and logs that are packed away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import Connection, func, select

from hpcbinderhub.builds.queue import BuildQueue
from hpcbinderhub.builds.records import Order, stream
from hpcbinderhub.builds.retention import Retention
from hpcbinderhub.database import Database
from hpcbinderhub.events import BUILD_ENDS, Event, EventLog
from hpcbinderhub.events.records import pack_events
from hpcbinderhub.events.tail import TAIL_EVENTS
from hpcbinderhub.tables import events as event_rows

DAY = 86_400.0


class Clock:
    """A clock that is set by hand."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class CountedLog(EventLog):
    """Counts how often the database is read."""

    reads = 0

    async def since(self, stream: str, number: int) -> list[Event]:
        self.reads += 1
        return await super().since(stream, number)


async def follow(
    events: EventLog, since: int = 0, heard: Callable[[], None] = lambda: None
) -> list[int]:
    found: list[int] = []
    async for event in events.follow("build:a", BUILD_ENDS, since):
        found.append(event.number)
        heard()
    return found


async def test_a_hundred_followers_cost_one_reader(database: Database) -> None:
    events = CountedLog(database)
    await events.append("build:a", "waiting", "Waiting.")
    heard = Counter[str]()
    hear = partial(heard.update, ["an event"])
    followers = [asyncio.create_task(follow(events, heard=hear)) for _ in range(100)]
    for _ in range(6000):
        if heard.total() == 100:
            break
        await asyncio.sleep(0.01)
    assert heard.total() == 100
    at_first = events.reads
    for number in range(20):
        await events.append("build:a", "building", f"line {number}")
        await asyncio.sleep(0.01)
    await events.append("build:a", "built", "Ready.")
    async with asyncio.timeout(60):
        told = await asyncio.gather(*followers)
    assert told == [list(range(1, 23))] * 100
    assert events.reads - at_first <= 21


async def test_who_comes_late_gets_what_is_not_in_memory_any_more(database: Database) -> None:
    events = EventLog(database)
    first = asyncio.create_task(follow(events))
    await asyncio.sleep(0.05)
    number = TAIL_EVENTS + 500
    await events.extend("build:a", [("building", "line", {})] * number)
    await asyncio.sleep(0.2)
    late = asyncio.create_task(follow(events))
    back = asyncio.create_task(follow(events, since=number - 3))
    await asyncio.sleep(0.1)
    await events.append("build:a", "built", "Ready.")
    async with asyncio.timeout(60):
        assert await first == await late == list(range(1, number + 2))
        assert await back == list(range(number - 2, number + 2))


async def test_followers_who_come_and_go_while_it_is_told_miss_nothing(database: Database) -> None:
    events = EventLog(database)

    async def impatient() -> list[int]:
        seen: list[int] = []
        while not seen or seen[-1] < 60:
            async for event in events.follow("build:a", BUILD_ENDS, seen[-1] if seen else 0):
                seen.append(event.number)
                if event.number % 7 == 0:
                    break
        return seen

    followers = [asyncio.create_task(impatient()) for _ in range(5)]
    for number in range(59):
        await events.append("build:a", "building", f"line {number}")
    await events.append("build:a", "built", "Ready.")
    async with asyncio.timeout(60):
        assert await asyncio.gather(*followers) == [list(range(1, 61))] * 5


async def test_a_log_is_packed_read_as_before_and_forgotten_in_the_end(database: Database) -> None:
    clock = Clock()
    events = EventLog(database, clock)
    queue = BuildQueue(database, events, 30, clock=clock)
    retention = Retention(database, days=90, clock=clock)
    build = await queue.enqueue(Order("a", "https://example.org/repo", "main", "0" * 40, "alice"))
    await queue.claim("worker")
    lines = [("building", f"Collecting package {number}", {}) for number in range(500)]
    await queue.report(build.id, "worker", lines)
    await queue.finish(build.id, "worker", "f" * 64, 1)
    before = await events.since(stream(build.id), 0)

    await retention.tidy()
    assert await database.run(count_rows) == len(before)
    clock.now += DAY
    await retention.tidy()
    assert await database.run(count_rows) == 0
    assert await events.since(stream(build.id), 0) == before
    assert await events.since(stream(build.id), len(before) - 1) == before[-1:]
    assert await follow_to_end(events, stream(build.id)) == before

    clock.now += 91 * DAY
    await retention.tidy()
    assert await events.since(stream(build.id), 0) == []


async def follow_to_end(events: EventLog, name: str) -> list[Event]:
    return [event async for event in events.follow(name, BUILD_ENDS)]


def count_rows(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(event_rows)).scalar_one()


@pytest.mark.parametrize("packed", [False, True])
async def test_who_has_read_the_end_is_not_kept_waiting(database: Database, packed: bool) -> None:
    events = EventLog(database)
    await events.append("build:a", "waiting", "Waiting.")
    await events.append("build:a", "built", "Ready.")
    if packed:
        await database.run(pack_events, "build:a", 0.0)
    assert await follow(events, 1) == [2]
    assert await follow(events, 2) == []
    assert await follow(events, 999_999_999) == []


async def test_a_number_that_is_still_to_come_hides_nothing(database: Database) -> None:
    events = EventLog(database)
    await events.append("build:a", "waiting", "Waiting.")
    follower = asyncio.create_task(follow(events, 999_999_999))
    await asyncio.sleep(0.1)
    await events.append("build:a", "built", "Ready.")
    assert await follower == [2]


async def test_what_came_after_the_end_is_told_to_who_has_read_that(database: Database) -> None:
    events = EventLog(database)
    await events.append("build:a", "built", "Ready.")
    await events.append("build:a", "workers", "Asked for workers.")
    async with asyncio.timeout(60):
        assert await follow(events) == [1]
        assert await follow(events, 1) == [2]
        assert await follow(events, 2) == []
