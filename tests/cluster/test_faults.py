"""Parts of a site fail: no job is orphaned, none doubled, no running server lost, and every page
says what is going on."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from cluster.faults import (
    cut_off,
    end_ssh_sessions,
    slow_sbatch,
    stopped,
    swapped_login_node,
    unanswered_jobs,
    wrong_clock,
)
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig, eventually
from cluster.watch import Watch

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    # They take a quarter of an hour on a quiet machine: `HPCBINDERHUB_FAULTS=1 make test`.
    pytest.mark.skipif(
        not os.environ.get("HPCBINDERHUB_FAULTS"), reason="HPCBINDERHUB_FAULTS is not set"
    ),
]

QUICKSTART = "http://git/quickstart.git"
OUTAGE_SECONDS = 120


def starting(person: Person, repository: str = QUICKSTART) -> Watch:
    """A launch that starts as soon as it can."""
    return Watch(person, person.launch(repository, start_when_ready=True))


def running(person: Person) -> str:
    """A running server's address."""
    last = starting(person).end()
    assert last["phase"] == "ready", last
    return str(last["url"])


def answers(person: Person, address: str) -> bool:
    """Whether the server itself answers, through the proxy."""
    return bool(Lab(person, address).get("api/status").status_code == 200)


def has_one_job(rig: Rig, watch: Watch, user: str) -> None:
    """The launch was submitted once, and its job is the user's only one."""
    jobs = eventually(lambda: rig.jobs_of_launch(watch.launch), 60, "accounting knows the job")
    assert len(jobs) == 1
    assert rig.jobs(user) == jobs


def test_slurmctld_is_away_for_two_minutes(alice: Person, bob: Person, rig: Rig) -> None:
    address = running(alice)
    kept = rig.jobs("alice")
    rig.hold_starts()
    try:
        waiting = starting(bob)
        eventually(lambda: waiting.said("Waiting in the queue"), 60, "bob's job waits")
        with stopped(rig, "slurmctld"):
            began = time.monotonic()
            submitted = starting(alice, "http://git/dockerfile.git")
            eventually(lambda: waiting.said("has not answered"), 90, "bob's page says so")
            assert answers(alice, address)
            time.sleep(max(0.0, OUTAGE_SECONDS - (time.monotonic() - began)))
            assert answers(alice, address)
            assert len(alice.servers()) >= 1
    finally:
        rig.allow_starts()
    assert waiting.end()["phase"] == "ready", waiting.events
    assert submitted.end(400)["phase"] == "ready", submitted.events
    has_one_job(rig, waiting, "bob")
    assert len(rig.jobs_of_launch(submitted.launch)) == 1
    assert set(kept) < set(rig.jobs("alice"))
    assert answers(alice, address)


def test_a_server_is_stopped_while_slurmctld_is_away(alice: Person, rig: Rig) -> None:
    running(alice)
    (server,) = alice.servers()
    with stopped(rig, "slurmctld"):
        answer = alice.call("DELETE", f"api/servers/{server}")
        assert answer.status_code < 500 or answer.json()["message"], answer.text
    if answer.status_code >= 400:
        eventually(lambda: alice.call("DELETE", f"api/servers/{server}").is_success, 60, "it stops")
    eventually(lambda: not rig.jobs("alice"), 90, "the job is gone")
    eventually(lambda: not alice.servers(), 60, "the hub says so")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_hub_is_killed_around_sbatch(moment: str, alice: Person, rig: Rig) -> None:
    with slow_sbatch(rig, **{moment: 6}):
        watch = starting(alice)
        eventually(lambda: rig.processes("login", "sbatch.real|sleep 6"), 60, "sbatch runs")
        rig.kill("hub")
        rig.wait_until_up()
        assert watch.end()["phase"] == "ready", watch.events
    has_one_job(rig, watch, "alice")


def test_the_hub_is_killed_while_a_job_waits_long(alice: Person, rig: Rig) -> None:
    rig.hold_starts()
    try:
        watch = starting(alice)
        eventually(lambda: watch.said("Waiting in the queue"), 60, "the job waits")
        (job,) = rig.jobs("alice")
        # Ten minutes, shortened to some of the watcher's rounds before and after.
        time.sleep(10)
        rig.kill("hub")
        rig.wait_until_up()
        time.sleep(10)
        assert rig.jobs("alice") == [job]
    finally:
        rig.allow_starts()
    assert watch.end()["phase"] == "ready", watch.events
    has_one_job(rig, watch, "alice")


def test_sbatch_answers_after_forty_seconds(alice: Person, rig: Rig) -> None:
    with slow_sbatch(rig, after=40):
        watch = starting(alice)
        assert watch.end()["phase"] == "ready", watch.events
    has_one_job(rig, watch, "alice")


def test_a_launch_is_cancelled_while_sbatch_is_slow(alice: Person, rig: Rig) -> None:
    with slow_sbatch(rig, before=10):
        watch = starting(alice)
        eventually(lambda: rig.processes("login", "sleep 10"), 60, "sbatch runs")
        alice.call("DELETE", f"api/launches/{watch.launch}").raise_for_status()
        assert watch.end()["message"] == "Cancelled."
        eventually(lambda: not rig.processes("login", "sleep 10"), 60, "sbatch has ended")
        eventually(lambda: ended(rig, watch.launch), 60, "what was submitted is cancelled")
    assert not rig.jobs("alice")


def ended(rig: Rig, launch: str) -> bool:
    """Whether Slurm knows a job of the launch, and it has ended."""
    jobs = rig.jobs_of_launch(launch)
    states = rig.slurm("squeue", "--noheader", "--states=R,PD,CG", "--format=%i").split()
    return bool(jobs) and not set(jobs) & set(states)


def test_a_compute_node_is_cut_off(alice: Person, bob: Person, rig: Rig) -> None:
    address = running(alice)
    other = running(bob)
    (job,) = rig.jobs("alice")
    node = rig.slurm("squeue", "--noheader", f"--jobs={job}", "--format=%B")
    elsewhere = rig.slurm("squeue", "--noheader", "--user=bob", "--format=%B") != node
    with cut_off(rig, node):
        eventually(lambda: not alice.servers(), 90, "the hub knows that it ended")
        assert not answers(alice, address)
        if elsewhere:
            assert answers(bob, other)
    assert job not in rig.jobs("alice")
    # She goes on where she was.
    watch = starting(alice)
    assert watch.end()["phase"] == "ready", watch.events
    has_one_job(rig, watch, "alice")


def test_ssh_sessions_are_killed_all_the_time(alice: Person, rig: Rig) -> None:
    address = running(alice)
    watch = starting(alice, "http://git/dockerfile.git")
    for _ in range(15):
        end_ssh_sessions(rig)
        time.sleep(1)
    assert watch.end(400)["phase"] == "ready", watch.events
    assert len(rig.jobs_of_launch(watch.launch)) == 1
    assert answers(alice, address)


def test_the_login_node_is_swapped(alice: Person, rig: Rig) -> None:
    address = running(alice)
    with swapped_login_node(rig):
        watch = starting(alice, "http://git/dockerfile.git")
        eventually(lambda: watch.said("host key"), 120, "the page says that it is another host")
        assert answers(alice, address)
    assert watch.end(400)["phase"] == "ready", watch.events
    assert len(rig.jobs_of_launch(watch.launch)) == 1
    assert answers(alice, address)


def test_the_jobs_call_to_the_hub_is_lost(alice: Person, rig: Rig) -> None:
    with unanswered_jobs(rig):
        watch = starting(alice)
        eventually(lambda: watch.said("Starting on"), 90, "the job runs")
        time.sleep(15)
        assert not watch.saw("failed"), watch.events
    assert watch.end()["phase"] == "ready", watch.events
    has_one_job(rig, watch, "alice")


def test_mariadb_is_down(alice: Person, bob: Person, rig: Rig) -> None:
    address = running(alice)
    with stopped(rig, "db"):
        watch = starting(bob)
        time.sleep(20)
        assert answers(alice, address)
        assert alice.servers()
        assert not watch.saw("failed"), watch.events
    assert watch.end(240)["phase"] == "ready", watch.events
    has_one_job(rig, watch, "bob")
    assert len(rig.jobs("alice")) == 1


@pytest.mark.parametrize("seconds", [-300, 300])
def test_the_hubs_clock_is_five_minutes_off(seconds: int, alice: Person, rig: Rig) -> None:
    with wrong_clock(rig, seconds):
        watch = starting(alice)
        last: dict[str, Any] = watch.end()
        assert last["phase"] == "ready", watch.events
        has_one_job(rig, watch, "alice")
        assert answers(alice, last["url"])
        (server,) = alice.servers()
        alice.stop(server)
        eventually(lambda: not rig.jobs("alice"), 60, "the job is gone")
