"""Ends that Slurm makes of running servers: what their owners read, and what they can do."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.faults import configured, hub_away, preemption, unanswered_jobs
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig, eventually
from cluster.watch import Watch

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"
PATIENCE_SECONDS = 10
"""How long a hub that starts waits for a server, before it takes it for gone."""
PROFILES = f"""
some = dict(partition="regular", max_minutes=60, cpus=1)
requeued = dict(name="requeued", title="Requeued", memory_mb=2048, requeue=True)
small = dict(name="small", title="Small", memory_mb=768)
c.Site.profiles.extend([some | requeued, some | small])
c.Spawner.http_timeout = {PATIENCE_SECONDS}
"""
LEAVE_A_FILE = "open('kept.txt', 'w').write('kept'); print('left')"
TAKE_TOO_MUCH = """
import os
# The kernel of the node ends this server first, and not this notebook's process.
open(f"/proc/{os.getppid()}/oom_score_adj", "w").write("1000")
kept = bytearray(os.urandom(1024)) * 1024 * 4096
"""


@pytest.fixture(scope="module", autouse=True)
def profiles(rig: Rig) -> Iterator[None]:
    """What these tests launch, besides what the site offers."""
    with configured(rig, PROFILES):
        yield


class Running:
    """A server that runs."""

    def __init__(self, rig: Rig, person: Person, profile: str = "interactive"):
        self.launch = person.launch(QUICKSTART, profile=profile, start_when_ready=True)
        self.lab = Lab(person, Watch(person, self.launch).ready())
        (self.job,) = rig.jobs(person.name)
        self._rig = rig
        self._person = person

    def node(self) -> str:
        return self._rig.slurm("squeue", "--noheader", f"--jobs={self.job}", "--format=%B")

    def answers(self) -> bool:
        return bool(self.lab.get("api/status").status_code == 200)

    def state(self) -> dict[str, Any]:
        """How it is, as the hub says it."""
        return next(one for one in self._told("servers") if one["launch"] == self.launch)

    def has_ended(self, sentence: str, advice: str) -> None:
        """Its owner reads how and what to do wherever she looks, and no job of hers is left."""
        eventually(lambda: not self._person.servers(), 120, "the hub knows that it ended")
        end = next(one for one in self._told("ended") if one["launch"] == self.launch)
        assert (end["stage"], end["job"]) == ("ended", self.job)
        assert sentence in end["words"]
        assert advice in end["advice"]
        for page in ("mine", f"launches/{self.launch}"):
            text = self.page(page)
            assert sentence in text, page
            assert advice in text, page
        assert not self.answers()
        eventually(lambda: not self._rig.jobs(self._person.name), 180, "no job is left")
        assert self._rig.jobs_of_launch(self.launch) == [self.job]

    def page(self, path: str) -> str:
        """What a page of ours says to her browser."""
        shown = self._person.client.get(f"/services/binder/{path}")
        assert shown.status_code == 200, shown.text
        return html.unescape(shown.text)

    def _told(self, which: str) -> list[dict[str, Any]]:
        answer = self._person.hub("GET", f"hpcbinderhub/servers/{self._person.name}")
        answer.raise_for_status()
        return list(answer.json()[which])


async def test_a_server_reaches_its_time_limit_and_is_resumed(alice: Person, rig: Rig) -> None:
    server = Running(rig, alice)
    await server.lab.run(LEAVE_A_FILE)
    # The shortest that Slurm knows.
    rig.slurm("scontrol", "update", f"JobId={server.job}", "TimeLimit=1")
    eventually(lambda: not rig.jobs("alice"), 240, "its time is up")
    server.has_ended("The job reached its time limit.", "your workspace is as you left it")
    again = alice.call("POST", f"api/launches/{server.launch}/again")
    assert again.status_code == 201, again.text
    resumed = Lab(alice, Watch(alice, again.json()["id"]).ready())
    assert resumed.get("api/contents/kept.txt").json()["content"] == "kept"
    assert len(rig.jobs("alice")) == 1


async def test_a_server_makes_room_for_another_job(alice: Person, bob: Person, rig: Rig) -> None:
    server = Running(rig, alice, "regular")
    urgent = ("--partition=interactive", "--exclusive", f"--nodelist={server.node()}", "--time=1")
    with preemption(rig, "regular", grace_seconds=30):
        sbatch = ("sbatch", *urgent, "--output=/dev/null", "--wrap=sleep 5")
        rig.cluster.run("login", *sbatch, user="bob")
        # Slurm says so, and the server saves.
        saves = lambda: server.lab.get("hpcbinder/api/session").json()["saves"]  # noqa: E731
        eventually(lambda: saves() == 1, 180, "it saves")
        server.has_ended("made room for one of higher priority", "not preempted")


def test_a_suspended_server_is_not_lost_by_a_hub_that_starts(alice: Person, rig: Rig) -> None:
    server = Running(rig, alice)
    rig.slurm("scontrol", "suspend", server.job)
    eventually(lambda: server.state()["stage"] == "suspended", 180, "the hub knows")
    words = "Slurm has suspended the job on"
    assert words in server.state()["words"]
    assert words in server.page("mine")
    rig.kill("hub")
    rig.wait_until_up()
    eventually(lambda: words in server.page("mine"), 180, "the hub knows it again")
    time.sleep(PATIENCE_SECONDS + 5)
    assert words in server.page("mine")
    rig.slurm("scontrol", "resume", server.job)
    eventually(lambda: server.state()["stage"] == "running", 180, "the hub knows")
    eventually(server.answers, 180, "it goes on")
    assert rig.jobs("alice") == [server.job]


PUT_BACK = ("Slurm put the job back into the queue", "Resume it: your workspace is as it was saved")


def test_slurm_puts_no_server_back_that_did_not_ask_for_it(alice: Person, rig: Rig) -> None:
    server = Running(rig, alice)
    refused = rig.cluster.run("slurmctld", "scontrol", "requeue", server.job, check=False)
    assert refused.returncode != 0
    assert server.answers()
    assert rig.jobs("alice") == [server.job]
    # Unless an administrator wants it so.
    rig.slurm("scontrol", "update", f"JobId={server.job}", "Requeue=1")
    rig.slurm("scontrol", "requeue", server.job)
    server.has_ended(*PUT_BACK)


def test_a_server_that_was_put_back_does_not_begin_again(alice: Person, rig: Rig) -> None:
    server = Running(rig, alice, "requeued")
    rig.slurm("scontrol", "requeue", server.job)
    server.has_ended(*PUT_BACK)


def test_a_second_run_that_begins_while_the_hub_is_away_gets_nothing(
    alice: Person, rig: Rig
) -> None:
    server = Running(rig, alice, "requeued")
    with hub_away(rig):
        rig.slurm("scontrol", "requeue", server.job)
        begin_anew(rig, server.job)
    server.has_ended(*PUT_BACK)


def test_a_job_that_is_put_back_before_its_server_began_starts_one(alice: Person, rig: Rig) -> None:
    with unanswered_jobs(rig):
        launch = alice.launch(QUICKSTART, profile="requeued", start_when_ready=True)
        watch = Watch(alice, launch)
        eventually(lambda: watch.said("Starting on"), 180, "the job runs")
        (job,) = rig.jobs("alice")
        rig.slurm("scontrol", "requeue", job)
        eventually(lambda: "Waiting in the queue" in watch.events[-1]["message"], 180, "it waits")
        begin_anew(rig, job)
    address = watch.ready()
    assert Lab(alice, address).get("api/status").status_code == 200
    assert rig.jobs("alice") == [job]


def begin_anew(rig: Rig, job: str) -> None:
    """Slurm lets a job that was put back wait for some minutes; it need not."""
    state = ("squeue", "--noheader", f"--jobs={job}", "--format=%T")
    eventually(lambda: rig.slurm(*state) == "PENDING", 180, "it is in the queue again")
    rig.slurm("scontrol", "update", f"JobId={job}", "StartTime=now")
    # One that finds its ticket spent is over before anybody has looked.
    eventually(lambda: rig.slurm(*state) != "PENDING", 180, "it has begun again")


async def test_a_server_takes_more_memory_than_its_job_has(alice: Person, rig: Rig) -> None:
    if rig.cluster.run("c1", "cat", "/etc/slurm/cgroups").stdout.strip() != "yes":
        pytest.skip("without control groups, Slurm's nodes here limit no memory")
    server = Running(rig, alice, "small")
    with pytest.raises(AssertionError, match="connection was closed"):
        await server.lab.run(TAKE_TOO_MUCH)
    server.has_ended("used more memory than it had asked for", "more memory")
