"""The queue: one build for each recipe, one worker for each build, nothing lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from images.bills.bills import bill, python

from hpcbinderhub.builds.bills import Recorded
from hpcbinderhub.builds.claims import MAX_ATTEMPTS
from hpcbinderhub.builds.queue import BuildQueue
from hpcbinderhub.builds.records import LeaseLost, Order, Priority, QueueLimits, stream
from hpcbinderhub.database import Database
from hpcbinderhub.errors import TooManyRequests, UserError
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
def events(database: Database, clock: Clock) -> EventLog:
    return EventLog(database, clock)


@pytest.fixture
def queue(database: Database, events: EventLog, clock: Clock) -> BuildQueue:
    return BuildQueue(database, events, LEASE, clock=clock)


async def enqueue(queue: BuildQueue, key: str, asker: str = "alice", **more: Any) -> str:
    order = Order(key, "https://example.org/repo", "main", "0" * 40, asker, **more)
    return (await queue.enqueue(order)).id


async def test_the_same_recipe_is_built_once_however_many_ask(queue: BuildQueue) -> None:
    builds = await asyncio.gather(*(enqueue(queue, "a") for _ in range(20)))
    assert len(set(builds)) == 1
    assert await enqueue(queue, "b") not in builds


async def test_builds_are_claimed_in_order_and_once(queue: BuildQueue, clock: Clock) -> None:
    expected = []
    for key in "abc":
        clock.now += 1
        expected.append(await enqueue(queue, key))
    claims = [await queue.claim(f"worker-{number}") for number in range(5)]
    assert [claim.id for claim in claims if claim] == expected


async def test_what_could_be_claimed_at_once_is_what_would_be(
    database: Database, events: EventLog, clock: Clock
) -> None:
    queue = BuildQueue(database, events, LEASE, QueueLimits(running_per_user=2), clock)
    for key in "abc":
        await enqueue(queue, key)
    await enqueue(queue, "d", "bob")
    await enqueue(queue, "e", "")
    expected = await queue.claimable()
    claimed = [await queue.claim(f"worker-{number}") for number in range(6)]
    assert expected == len([one for one in claimed if one]) == 4
    assert await queue.claimable() == 0
    assert await queue.busy() == {one.worker for one in claimed if one}
    # One that was put off is not due yet; a pause lets nothing begin.
    first = next(one for one in claimed if one and one.asker == "alice")
    await queue.fail(first.id, str(first.worker), {"cause": "network", "message": "Lost."})
    assert await queue.claimable() == 1
    clock.now += 3600
    await queue.pause("carol", "")
    assert await queue.claimable() == 0
    await queue.go_on()
    assert await queue.claimable() == 1


async def test_a_claim_says_where_it_is_built(queue: BuildQueue, events: EventLog) -> None:
    build = await enqueue(queue, "a")
    await queue.claim("job-7", "on c1, as job 7")
    await queue.release(build, "job-7")
    await queue.claim("job-8")
    told = [event.message for event in await events.since(stream(build), 0)]
    assert told[1] == "The build starts on c1, as job 7."
    assert told[-1] == "The build starts."


async def test_eight_workers_at_once_share_the_queue_without_a_double_claim(
    queue: BuildQueue,
) -> None:
    builds = {await enqueue(queue, f"key {number}", f"user {number % 7}") for number in range(300)}

    async def work(worker: str) -> list[str]:
        claimed = []
        while build := await queue.claim(worker):
            claimed.append(build.id)
        return claimed

    claims = await asyncio.gather(*(work(f"worker {number}") for number in range(8)))
    each = [build for worker in claims for build in worker]
    assert len(each) == len(set(each))
    assert set(each) == builds


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


async def test_what_a_build_made_is_kept_as_long_as_the_build(queue: BuildQueue) -> None:
    build = await enqueue(queue, "a")
    assert await queue.recorded(build) is None
    await queue.claim("worker")
    made = bill(python("six", "1.17.0"), unread=("more",))
    await queue.finish(build, "worker", "f" * 64, 1234, made)
    assert await queue.recorded(build) == Recorded(made, "f" * 64)
    assert [b.id for b in await queue.newest(seen_by=None, artefact="f" * 64)] == [build]
    assert await queue.newest(seen_by=None, artefact="e" * 64) == []
    newer = await enqueue(queue, "a")
    await queue.claim("worker")
    await queue.finish(newer, "worker", "e" * 64, 1234)
    assert await queue.forget(build)
    assert await queue.recorded(build) is None


async def test_a_worker_that_is_lost_loses_its_build(queue: BuildQueue, clock: Clock) -> None:
    build = await enqueue(queue, "a")
    await queue.claim("first")
    clock.now += LEASE - 1
    await queue.heartbeat(build, "first")
    clock.now += LEASE - 1
    assert await queue.claim("second") is None
    clock.now += 2
    await queue.reconcile()
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
        await queue.reconcile()
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


async def test_waiting_for_work_ends_when_there_is_some(
    queue: BuildQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpcbinderhub.builds.queue.LOOK_AGAIN_SECONDS", 600)
    waiting = asyncio.create_task(queue.wait_and_claim("worker", 600))
    await asyncio.sleep(0.05)
    build = await enqueue(queue, "a")
    claimed = await asyncio.wait_for(waiting, 60)
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
    await asyncio.wait_for(rest, 60)
    assert [event.number for event in seen] == list(range(1, len(seen) + 1))
    assert [event.message for event in seen][2:7] == [f"line {n}" for n in range(5)]
    assert seen[-1].phase == "built"


# -- turns, priorities and limits ------------------------------------------------------------------


async def order_of_claims(queue: BuildQueue, number: int) -> list[str]:
    claims = [await queue.claim("worker") for _ in range(number)]
    return [claim.asker for claim in claims if claim]


async def test_a_hundred_builds_of_one_do_not_stall_the_next_users_one(
    queue: BuildQueue, clock: Clock
) -> None:
    for number in range(100):
        clock.now += 1
        await enqueue(queue, f"a{number}", "alice")
    assert await order_of_claims(queue, 10) == ["alice"] * 10
    clock.now += 1
    await enqueue(queue, "b", "bob")
    await enqueue(queue, "c", "carol")
    assert await order_of_claims(queue, 3) == ["alice", "bob", "carol"]


async def test_those_who_wait_take_turns(queue: BuildQueue, clock: Clock) -> None:
    for asker in ("alice", "bob"):
        for number in range(3):
            clock.now += 1
            await enqueue(queue, f"{asker}{number}", asker)
    assert await order_of_claims(queue, 6) == ["alice", "bob"] * 3


async def test_what_somebody_waits_for_goes_before_what_is_built_ahead(queue: BuildQueue) -> None:
    ahead = await enqueue(queue, "ahead", priority=Priority.AHEAD)
    joined = await enqueue(queue, "joined", priority=Priority.AHEAD)
    assert await enqueue(queue, "joined", "bob") == joined
    assert (await queue.place(joined), await queue.place(ahead)) == (0, 1)
    claims = [await queue.claim("worker") for _ in range(2)]
    assert [claim.id for claim in claims if claim] == [joined, ahead]


async def test_an_admin_has_a_build_built_next(queue: BuildQueue) -> None:
    builds = [await enqueue(queue, key) for key in "abc"]
    assert await queue.place(builds[2]) == 2
    preferred = await queue.prefer(builds[2])
    assert preferred is not None
    assert await queue.place(builds[2]) == 0
    claimed = await queue.claim("worker")
    assert claimed is not None
    assert claimed.id == builds[2]
    assert await queue.prefer(builds[2]) is None
    assert await queue.place(builds[2]) is None


async def test_more_than_the_site_allows_is_refused_with_a_sentence(
    database: Database, events: EventLog
) -> None:
    queue = BuildQueue(database, events, LEASE, QueueLimits(in_total=3, per_user=2))
    assert await enqueue(queue, "a") == await enqueue(queue, "a")
    await enqueue(queue, "b")
    with pytest.raises(TooManyRequests, match="2 builds of yours"):
        await enqueue(queue, "c")
    await enqueue(queue, "c", "bob")
    with pytest.raises(UserError, match="queue of builds is full"):
        await enqueue(queue, "d", "carol")


async def test_a_repository_may_have_so_many_builds(database: Database, events: EventLog) -> None:
    queue = BuildQueue(database, events, LEASE, QueueLimits(per_repository=1))
    first = await enqueue(queue, "a", "alice")
    with pytest.raises(TooManyRequests, match="of this repository"):
        await enqueue(queue, "b", "bob")
    await queue.cancel(first, "carol")
    await enqueue(queue, "b", "bob")


async def test_one_user_does_not_hold_every_builder(database: Database, events: EventLog) -> None:
    queue = BuildQueue(database, events, LEASE, QueueLimits(running_per_user=2))
    for key in "abc":
        await enqueue(queue, key, "alice")
    assert await order_of_claims(queue, 3) == ["alice", "alice"]
    await enqueue(queue, "d", "bob")
    assert await order_of_claims(queue, 2) == ["bob"]


# -- pauses and second tries -----------------------------------------------------------------------


async def test_a_cause_that_passes_is_tried_again_after_a_pause(
    queue: BuildQueue, events: EventLog, clock: Clock
) -> None:
    build = await enqueue(queue, "a")
    failure = {"cause": "network", "message": "The index did not answer."}
    for _ in range(MAX_ATTEMPTS - 1):
        assert await queue.claim("worker") is not None
        await queue.fail(build, "worker", failure)
        assert await queue.claim("worker") is None
        clock.now += 60
    told = [event.message for event in await events.since(stream(build), 0)]
    assert "The index did not answer. Trying again in 10 s." in told
    assert "The index did not answer. Trying again in 40 s." in told
    assert await queue.claim("worker") is not None
    await queue.fail(build, "worker", failure)
    ended = await queue.get(build)
    assert ended is not None
    assert (ended.state, ended.failure) == ("failed", failure)


async def test_a_cause_that_stays_is_not_tried_again(queue: BuildQueue) -> None:
    build = await enqueue(queue, "a")
    await queue.claim("worker")
    await queue.fail(build, "worker", {"cause": "no-solution", "message": "No versions fit."})
    ended = await queue.get(build)
    assert ended is not None
    assert ended.state == "failed"


async def test_a_paused_queue_hands_nothing_out_until_it_goes_on(
    queue: BuildQueue, database: Database, events: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpcbinderhub.builds.queue.LOOK_AGAIN_SECONDS", 600)
    build = await enqueue(queue, "a")
    await queue.pause("carol", "New disks on Tuesday.")
    assert await queue.claim("worker") is None
    restarted = BuildQueue(database, events, LEASE)
    notice = await restarted.paused()
    assert notice is not None
    assert (notice.by, notice.message) == ("carol", "New disks on Tuesday.")
    waiting = asyncio.create_task(restarted.wait_and_claim("worker", 600))
    await asyncio.sleep(0.05)
    await restarted.go_on()
    claimed = await asyncio.wait_for(waiting, 60)
    assert claimed is not None
    assert claimed.id == build


async def test_the_last_builds_of_a_repository_say_how_long_the_next_takes(
    queue: BuildQueue, clock: Clock
) -> None:
    url = "https://example.org/repo"
    assert await queue.usual_seconds(url) is None
    for seconds in (30, 50, 1000):
        build = await enqueue(queue, f"took {seconds}")
        clock.now += 7
        await queue.claim("worker")
        clock.now += seconds
        # Its lease has lapsed by then, and nobody has looked: it is still the worker's.
        await queue.finish(build, "worker", "f" * 64, 1)
    assert await queue.usual_seconds(url) == 50
