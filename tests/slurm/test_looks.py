"""What Slurm is asked about jobs, as whom, and whose word counts for what."""

from __future__ import annotations

import asyncio
from typing import Any, BinaryIO

import pytest
from doubles.slurm_in_memory import SlurmInMemory
from traitlets.config import Config

from hpcbinderhub.errors import Unavailable, UserError
from hpcbinderhub.site import Site
from hpcbinderhub.slurm import apart
from hpcbinderhub.slurm.cluster import Cluster, Submission
from hpcbinderhub.slurm.jobs import Owned
from hpcbinderhub.slurm.watcher import Watcher


class Shells(SlurmInMemory):
    """Login nodes on which some users' own shells answer in the agent's place."""

    def __init__(self) -> None:
        super().__init__()
        self.says: dict[str, dict[str, Any]] = {}
        self.hangs: set[str] = set()
        self.as_whom: list[str] = []
        self.watcher_sees = True

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None
    ) -> dict[str, Any]:
        self.as_whom.append(user)
        if user in self.hangs:
            await asyncio.Event().wait()
        answer = await super().call(user, request, data)
        if user == "hpcwatch" and not self.watcher_sees and "jobs" in answer:
            answer["jobs"] = []
        return answer | self.says.get(user, {})


def row(job: str, **values: Any) -> dict[str, Any]:
    """What an agent says of a job."""
    plain = {"id": job, "uid": "2001", "name": "", "state": "RUNNING", "reason": "", "node": "c1"}
    return {**plain, "submitted": 1, "started": 2, "ends": 3, "exit_code": "", **values}


@pytest.fixture
def shells() -> Shells:
    return Shells()


def cluster(shells: Shells, watch_as: str = "users") -> Cluster:
    return Cluster(shells, Site(config=Config({"Site": {"watch_as": watch_as}})))


async def submitted(shells: Shells, *users: str) -> list[str]:
    """A running job of each."""
    for user in users:
        directory = f"/home/{user}/launch"
        one = Submission("launch", directory, (), (), "", {"ticket": "t"})
        shells.run((await cluster(shells).submit(user, one)).job)
    return shells.jobs


async def test_each_owner_is_asked_about_her_own_jobs_alone(shells: Shells) -> None:
    jobs = await submitted(shells, "bob", "zoe")
    asked = [Owned(jobs[0], "bob"), Owned(jobs[1], "zoe")]
    shells.as_whom.clear()
    seen = await cluster(shells).queue(asked)
    assert {one: job.state for one, job in seen.items()} == dict.fromkeys(asked, "RUNNING")
    assert sorted(shells.as_whom) == ["bob", "hpcwatch", "zoe"]


@pytest.mark.parametrize("uid", ["2001", "2002"])
async def test_what_a_shell_says_never_speaks_of_anothers_job(shells: Shells, uid: str) -> None:
    bobs, zoes = await submitted(shells, "bob", "zoe")
    shells.says["zoe"] = {"jobs": [row(bobs, uid=uid, state="COMPLETED")], "uid": 2001}
    asked = [Owned(bobs, "bob"), Owned(zoes, "zoe")]
    for look in (cluster(shells).queue, cluster(shells).observe):
        seen = await look(asked)
        assert seen[asked[0]].state == "RUNNING"
    assert await cluster(shells).history(asked) == {}


@pytest.mark.parametrize("watch_as", ["users", "watcher"])
async def test_who_is_told_anothers_job_as_hers_sees_nothing_of_it(
    shells: Shells, watch_as: str
) -> None:
    """As by an answer to a submission that her own shell made up, under a uid of her choice."""
    (bobs,) = await submitted(shells, "bob")
    shells.says["zoe"] = {"uid": shells.uid("bob"), "uids": {"zoe": shells.uid("bob")}}
    hub = cluster(shells, watch_as)
    hers, his = Owned(bobs, "zoe"), Owned(bobs, "bob")
    assert (await hub.queue([hers, his])).keys() == {his}
    assert await hub.certain("zoe", bobs) is None
    # Whoever of them was first to follow it.
    watcher = Watcher(hub.queue, 0.01, history=hub.history)
    watcher.follow(bobs, "zoe")
    watcher.follow(bobs, "bob")
    job = await watcher.fresh(bobs, "bob")
    assert job is not None
    assert job.state == "RUNNING"
    assert watcher.job(bobs, "zoe") is None
    await watcher.close()


@pytest.mark.parametrize(
    "answer",
    [
        {"jobs": [{"id": "100"}]},
        {"jobs": [row("100", submitted="tomorrow")]},
        {"jobs": [row("100", ends=1, started=None)]},
        {"jobs": "100"},
        {"time": float("inf"), "jobs": [row("100")]},
        {"time": None},
    ],
)
async def test_what_is_no_answer_of_the_agents_is_her_trouble_alone(
    shells: Shells, answer: dict[str, Any]
) -> None:
    zoes, bobs = await submitted(shells, "zoe", "bob")
    shells.says["zoe"] = answer
    asked = [Owned(bobs, "bob"), Owned(zoes, "zoe")]
    assert (await cluster(shells).queue(asked)).keys() == {asked[0]}
    with pytest.raises(Unavailable, match="cannot be read"):
        await cluster(shells).queue(asked[1:])


async def test_what_a_secret_hangs_on_is_the_watchers_word_where_it_sees_the_job(
    shells: Shells,
) -> None:
    (zoes,) = await submitted(shells, "zoe")
    shells.says["zoe"] = {"jobs": [row(zoes, node="elsewhere.example.org")]}
    job = await cluster(shells).certain("zoe", zoes)
    assert job is not None
    assert job.node == "127.0.0.1"


async def test_where_it_does_not_a_node_is_one_of_the_clusters(shells: Shells) -> None:
    (zoes,) = await submitted(shells, "zoe")
    shells.watcher_sees = False
    job = await cluster(shells).certain("zoe", zoes)
    assert job is not None
    assert job.node == "127.0.0.1"
    shells.says["zoe"] = {"jobs": [row(zoes, node="elsewhere.example.org")]}
    with pytest.raises(UserError, match="no node “elsewhere"):
        await cluster(shells).certain("zoe", zoes)
    assert await cluster(shells, "watcher").certain("zoe", zoes) is None


async def test_a_shell_that_does_not_end_keeps_nobody_waiting_twice(
    shells: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "SECONDS", 1.0)
    zoes, bobs = await submitted(shells, "zoe", "bob")
    asked = [Owned(bobs, "bob"), Owned(zoes, "zoe")]
    hub = cluster(shells)
    shells.hangs.add("zoe")
    for _ in range(3):
        assert (await hub.queue(asked)).keys() == {asked[0]}
    assert shells.as_whom.count("zoe") == 2  # It was submitted, and asked about once.
