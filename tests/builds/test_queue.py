"""The queue: one build for each recipe, one worker for each build, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hpcbinderhub.builds.claims import MAX_ATTEMPTS
from hpcbinderhub.builds.queue import BuildQueue
from hpcbinderhub.builds.records import LeaseLost, stream
from hpcbinderhub.database import Database
from hpcbinderhub.events import BUILD_ENDS, Event, EventLog

LEASE = 30.0


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/queue.sqlite")
    await asyncio.to_thread(made.upgrade)
    yield made
    await made.close()


@pytest.fixture
def events(database: Database, clock: Clock) -> EventLog:
    return EventLog(database, clock)


@pytest.fixture
def queue(database: Database, events: EventLog, clock: Clock) -> BuildQueue:
    return BuildQueue(database, events, LEASE, clock)


async def enqueue(queue: BuildQueue, key: str) -> str:
    return (await queue.enqueue(key, "https://example.org/repo", "main", "0" * 40)).id


async def test_the_same_recipe_is_built_once_however_many_ask(queue: BuildQueue) -> None:
    builds = await asyncio.gather(*(enqueue(queue, "a") for _ in range(20)))
    assert len(set(builds)) == 1
    assert await enqueue(queue, "b") not in builds


async def test_builds_are_claimed_in_order_and_once(queue: BuildQueue, clock: Clock) -> None:
    expected = []
    for key in "abc":
        clock.now += 1
        expected.append(await enqueue(queue, key))
    claims = await asyncio.gather(*(queue.claim(f"worker-{n}") for n in range(5)))
    assert [claim.id for claim in claims if claim] == expected


async def test_a_finished_build_is_an_image_and_the_next_request_makes_a_new_build(
    queue: BuildQueue,
) -> None:
    build = await enqueue(queue, "a")
    assert await queue.image("a") is None
    await queue.claim("worker")
    await queue.finish(build, "worker", "f" * 64, 1234)
    image = await queue.image("a")
    assert image is not None
    assert (image.artefact, image.size) == ("f" * 64, 1234)
    assert await enqueue(queue, "a") != build


async def test_a_worker_that_is_lost_loses_its_build(queue: BuildQueue, clock: Clock) -> None:
    build = await enqueue(queue, "a")
    await queue.claim("first")
    clock.now += LEASE - 1
    await queue.heartbeat(build, "first")
    clock.now += LEASE - 1
    assert await queue.claim("second") is None
    clock.now += 2
    again = await queue.claim("second")
    assert again is not None
    assert (again.id, again.attempt) == (build, 2)
    with pytest.raises(LeaseLost):
        await queue.finish(build, "first", "f" * 64, 1)
    await queue.finish(build, "second", "e" * 64, 1)


async def test_a_build_that_loses_its_workers_again_and_again_fails(
    queue: BuildQueue, clock: Clock
) -> None:
    build = await enqueue(queue, "a")
    for _ in range(MAX_ATTEMPTS):
        assert await queue.claim("worker") is not None
        clock.now += LEASE + 1
    assert await queue.claim("worker") is None
    failed = await queue.get(build)
    assert failed is not None
    assert failed.state == "failed"
    assert failed.failure is not None
    assert "was lost 3 times" in failed.failure["message"]


async def test_a_build_that_is_given_back_has_not_failed(queue: BuildQueue) -> None:
    build = await enqueue(queue, "a")
    for _ in range(MAX_ATTEMPTS + 2):
        claimed = await queue.claim("worker")
        assert claimed is not None
        assert claimed.attempt == 1
        await queue.release(build, "worker")


async def test_waiting_for_work_ends_when_there_is_some(queue: BuildQueue) -> None:
    waiting = asyncio.create_task(queue.wait_and_claim("worker", 10))
    await asyncio.sleep(0.05)
    build = await enqueue(queue, "a")
    claimed = await asyncio.wait_for(waiting, 2)
    assert claimed is not None
    assert claimed.id == build


async def test_a_follower_that_comes_back_misses_nothing_and_sees_nothing_twice(
    queue: BuildQueue, events: EventLog
) -> None:
    build = await enqueue(queue, "a")
    await queue.claim("worker")
    await queue.report(build, "worker", [("building", f"line {n}", {}) for n in range(5)])
    seen: list[Event] = []

    async def follow(limit: int) -> None:
        last = seen[-1].number if seen else 0
        async for event in events.follow(stream(build), BUILD_ENDS, last):
            seen.append(event)
            if len(seen) >= limit:
                return

    await follow(4)
    rest = asyncio.create_task(follow(100))
    await queue.report(build, "worker", [("converting", "squashing", {})])
    await queue.finish(build, "worker", "f" * 64, 1)
    await asyncio.wait_for(rest, 2)
    assert [event.number for event in seen] == list(range(1, len(seen) + 1))
    assert [event.message for event in seen][2:7] == [f"line {n}" for n in range(5)]
    assert seen[-1].phase == "built"
