"""Builders' jobs on a real Slurm: submitted once, found again, let in, cancelled.

What runs in these jobs sleeps or fails; `test_building` has the real builder.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from builds.jobs.agent_as import AgentAs
from builds.jobs.own_slurm import OwnSlurm
from traitlets.config import Config

from hpcbinderhub.builds.jobs.dispatcher import Dispatcher
from hpcbinderhub.builds.queue import BuildQueue
from hpcbinderhub.builds.records import Order
from hpcbinderhub.builds.sightings import Sightings
from hpcbinderhub.database import Database
from hpcbinderhub.errors import NotAllowed, Unavailable, UserError
from hpcbinderhub.events import EventLog
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster

pytestmark = pytest.mark.slow

SECONDS = 120.0
"""For what Slurm does in moments, unless the machine is busy."""
SLEEP = ["/bin/sh", "-c", "sleep 300"]


class LosesAnswers(AgentAs):
    """A way to the cluster on which the answers to submissions get lost."""

    losing = False

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None
    ) -> dict[str, Any]:
        answer = await super().call(user, request, data)
        if self.losing and request["op"] == "submit":
            raise Unavailable("The connection was lost.")
        return answer


class Bench:
    """A queue, and dispatchers over it: a new one is what a restarted service has."""

    def __init__(self, slurm: OwnSlurm, account: str, shared: Path, database: Database, tmp: Path):
        self.slurm = slurm
        self.account = account
        self.transport = LosesAnswers(account)
        self.queue = BuildQueue(database, EventLog(database), 30)
        self.settings: dict[str, Any] = {
            "user": account,
            "directory": str(shared),
            "command": SLEEP,
        }
        self.state = tmp
        self.now = 1e9

    def dispatcher(self, **settings: Any) -> Dispatcher:
        """With these settings beside the usual ones."""
        site = Site(
            config=Config(BuildJobs=self.settings | settings),
            state_dir=str(self.state),
            slurm_path=self.slurm.path,
            slurm_environment=self.slurm.environment,
        )
        cluster = Cluster(self.transport, site)
        clock = lambda: self.now  # noqa: E731
        self.sightings = Sightings(clock)
        return Dispatcher(site, self.queue, cluster, self.sightings, clock)

    async def enqueue(self, key: str = "a") -> str:
        """A build that waits."""
        order = Order(key, "https://example.org/repo", "main", "0" * 40, "alice")
        return (await self.queue.enqueue(order)).id

    async def jobs(self) -> list[str]:
        """What Slurm holds of the service account's."""
        options = ("--noheader", f"--user={self.account}", "--format=%A")
        return (await asyncio.to_thread(self.slurm.command, "squeue", *options)).split()

    async def becomes(self, job: str, state: str) -> None:
        """Wait for a job's state."""
        limit = time.monotonic() + SECONDS
        while time.monotonic() < limit:
            if await asyncio.to_thread(self.slurm.state, job) == state:
                return
            await asyncio.sleep(0.2)
        raise AssertionError(f"{job} is not {state}: {self.slurm.state(job)}")

    async def with_a_builder(self) -> tuple[Dispatcher, str, str]:
        """A dispatcher whose one job runs and was let in; the job, and the worker it became."""
        dispatcher = self.dispatcher()
        await dispatcher.tend()
        job = str(self.record()["id"])
        await self.becomes(job, "RUNNING")
        token = (await dispatcher.exchange(self.ticket(), job)).token
        worker = await dispatcher.worker_of(token)
        assert worker
        return dispatcher, job, worker

    def record(self) -> dict[str, Any]:
        """The one record of the one job."""
        (record,) = json.loads((self.state / "builder-jobs.json").read_text())
        return dict(record)

    def left(self, name: str) -> list[Path]:
        """What there is of this name in jobs' directories."""
        return list(Path(self.settings["directory"]).rglob(name))

    def ticket(self) -> str:
        """What lies in the job's directory."""
        path = Path(self.record()["directory"], "claim.json")
        assert path.stat().st_mode & 0o077 == 0
        return str(json.loads(path.read_text())["ticket"])


@pytest.fixture
async def bench(
    own_slurm: OwnSlurm, service_account: str, shared: Path, tmp_path: Path
) -> AsyncIterator[Bench]:
    database = Database(f"sqlite:///{tmp_path}/queue.sqlite")
    await asyncio.to_thread(database.upgrade)
    made = Bench(own_slurm, service_account, shared, database, tmp_path)
    yield made
    await asyncio.to_thread(own_slurm.end_jobs)
    await database.close()


async def test_each_build_that_waits_gets_one_job_restarts_or_not(bench: Bench) -> None:
    await bench.dispatcher().tend()
    assert await bench.jobs() == []
    await bench.enqueue()
    for _ in range(3):
        await bench.dispatcher().tend()
    assert len(await bench.jobs()) == 1
    for key in "bcd":
        await bench.enqueue(key)
    await bench.dispatcher(most=3).tend()
    assert len(await bench.jobs()) == 3


async def test_a_submission_whose_answer_was_lost_is_not_made_twice(bench: Bench) -> None:
    await bench.enqueue()
    bench.transport.losing = True
    with pytest.raises(Unavailable):
        await bench.dispatcher().tend()
    with pytest.raises(Unavailable):
        await bench.dispatcher().tend()
    assert bench.record()["id"] == ""
    bench.transport.losing = False
    dispatcher = bench.dispatcher()
    assert dispatcher.outlook() == "Slurm is being asked for a builder."
    await dispatcher.tend()
    assert await bench.jobs() == [bench.record()["id"]]


async def test_a_job_of_which_nothing_was_heard_is_cancelled_all_the_same(bench: Bench) -> None:
    build = await bench.enqueue()
    bench.transport.losing = True
    with pytest.raises(Unavailable):
        await bench.dispatcher().tend()
    (job,) = await bench.jobs()
    await bench.queue.cancel(build, "carol")
    await bench.dispatcher().tend()
    await bench.becomes(job, "CANCELLED")


async def test_only_the_job_itself_gets_a_token_and_once(bench: Bench) -> None:
    await bench.enqueue()
    dispatcher = bench.dispatcher()
    await dispatcher.tend()
    job, ticket = bench.record()["id"], bench.ticket()
    await bench.becomes(job, "RUNNING")
    for spent, number in (("another", job), (ticket, "99999"), ("", job)):
        with pytest.raises(NotAllowed):
            await dispatcher.exchange(spent, number)
    # The answer was lost, and the service was restarted: it asks again.
    lost = (await dispatcher.exchange(ticket, job)).token
    dispatcher = bench.dispatcher()
    grant = await dispatcher.exchange(ticket, job)
    assert grant.seconds == 90 * 60
    assert [await dispatcher.worker_of(token) for token in (lost, "", ticket)] == [None] * 3
    assert await dispatcher.worker_of(grant.token) == f"job-{job}"
    with pytest.raises(UserError, match="was used"):
        await dispatcher.exchange(ticket, job)
    assert dispatcher.place_of(f"job-{job}") == f"on own, as job {job}"
    kept = (bench.state / "builder-jobs.json").read_text()
    assert grant.token not in kept
    assert ticket not in kept
    # It ends with its job.
    await asyncio.to_thread(bench.slurm.command, "scancel", job)
    await bench.becomes(job, "CANCELLED")
    await dispatcher.tend()
    assert await dispatcher.worker_of(grant.token) is None


async def test_a_job_from_before_the_submission_gets_none(bench: Bench) -> None:
    await bench.enqueue()
    bench.now = 1e10
    dispatcher = bench.dispatcher()
    await dispatcher.tend()
    job = bench.record()["id"]
    await bench.becomes(job, "RUNNING")
    with pytest.raises(NotAllowed, match="as another one"):
        await dispatcher.exchange(bench.ticket(), job)


async def test_a_job_that_waits_says_why_and_goes_when_nothing_needs_it(bench: Bench) -> None:
    options = ("--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=sleep 300")
    urgent = await asyncio.to_thread(bench.slurm.command, "sbatch", "--parsable", *options)
    await bench.becomes(urgent, "RUNNING")
    build = await bench.enqueue()
    dispatcher = bench.dispatcher(cpus=3)
    await dispatcher.tend()
    job = bench.record()["id"]
    limit = time.monotonic() + SECONDS
    while "next" not in dispatcher.outlook() and time.monotonic() < limit:
        await asyncio.sleep(0.2)
        await dispatcher.tend()
    expected = f"A builder waits for a node, as job {job}. It is next, and waits for a node to"
    assert dispatcher.outlook().startswith(expected)
    with pytest.raises(Unavailable):
        await dispatcher.exchange(bench.ticket(), job)
    await bench.queue.cancel(build, "carol")
    await dispatcher.tend()
    await bench.becomes(job, "CANCELLED")
    await dispatcher.tend()
    assert dispatcher.outlook() == ""
    await asyncio.to_thread(bench.slurm.command, "scancel", urgent)


async def test_what_slurm_refuses_is_told_and_tried_again_later(bench: Bench) -> None:
    await bench.enqueue()
    dispatcher = bench.dispatcher(partition="nowhere")
    await dispatcher.tend()
    await dispatcher.tend()
    refused = "No builder could be started. Slurm refused the job. The next try is in {} s."
    assert dispatcher.outlook() == dispatcher.trouble == refused.format(30)
    assert not bench.left("submit.lock")
    bench.now += 31
    assert dispatcher.trouble == ""
    await dispatcher.tend()
    assert dispatcher.outlook() == refused.format(60)


async def test_a_job_that_fails_at_once_is_not_followed_by_another_at_once(bench: Bench) -> None:
    await bench.enqueue()
    says = ["/bin/sh", "-c", "echo There is no Buildah here.; exit 1"]
    dispatcher = bench.dispatcher(command=says)
    await dispatcher.tend()
    record = bench.record()
    await bench.becomes(record["id"], "FAILED")
    await dispatcher.tend()
    assert await bench.jobs() == []
    # Its log was taken before its directory went.
    log = bench.state / "builder-logs" / f"{record['id']}.log"
    assert "There is no Buildah here.\n" in log.read_text()
    assert not bench.left("job.log")
    assert dispatcher.trouble == (
        "The last builder ended before it was ready. The job failed. The next try is in 30 s."
    )


async def test_the_job_of_a_cancelled_build_is_cancelled(bench: Bench) -> None:
    build = await bench.enqueue()
    dispatcher, job, worker = await bench.with_a_builder()
    claimed = await bench.queue.claim(worker, dispatcher.place_of(worker))
    assert claimed
    assert claimed.id == build
    # A builder that builds is not spare, and its build needs no other.
    await dispatcher.tend()
    assert await bench.jobs() == [job]
    await bench.queue.cancel(build, "carol")
    await dispatcher.dismiss(worker)
    await dispatcher.tend()
    await bench.becomes(job, "CANCELLED")


async def test_a_builder_that_hangs_is_cancelled(bench: Bench) -> None:
    await bench.enqueue()
    dispatcher, job, worker = await bench.with_a_builder()
    bench.sightings.saw(worker)
    for _ in range(2):
        bench.now += 299
        await dispatcher.tend()
        assert await bench.jobs() == [job]
        bench.sightings.saw(worker)
    # A service that has just been restarted has heard of nobody yet.
    dispatcher = bench.dispatcher()
    await dispatcher.tend()
    assert await bench.jobs() == [job]
    bench.now += 301
    await dispatcher.tend()
    await bench.becomes(job, "CANCELLED")


async def test_a_build_that_comes_back_gets_another_job(bench: Bench) -> None:
    build = await bench.enqueue()
    dispatcher, job, worker = await bench.with_a_builder()
    await bench.queue.claim(worker)
    await asyncio.to_thread(bench.slurm.command, "scancel", job)
    await bench.queue.release(build, worker)
    await bench.becomes(job, "CANCELLED")
    await dispatcher.tend()
    assert len(await bench.jobs()) == 1
    assert bench.record()["id"] != job
