"""Parts of a site fail: no job is orphaned, none doubled, no running server lost, and every page
says what is going on."""

from __future__ import annotations

import time
from contextlib import ExitStack

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

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"
OUTAGE_SECONDS = 120


def starting(person: Person, repository: str = QUICKSTART) -> Watch:
    """A launch that starts as soon as it can."""
    return Watch(person, person.launch(repository, start_when_ready=True))


def running(person: Person) -> str:
    """A running server's address."""
    return starting(person).ready()


def answers(person: Person, address: str) -> bool:
    """Whether the server itself answers, through the proxy."""
    return bool(Lab(person, address).get("api/status").status_code == 200)


def submitted_once(rig: Rig, watch: Watch) -> list[str]:
    """The launch's only job, as accounting has it once `slurmctld` has told it."""
    jobs = eventually(lambda: rig.jobs_of_launch(watch.launch), 180, "accounting knows the job")
    assert len(jobs) == 1
    return jobs


def has_one_job(rig: Rig, watch: Watch, user: str) -> None:
    """The launch was submitted once, and its job is the user's only one."""
    jobs = submitted_once(rig, watch)
    assert rig.jobs(user) == jobs


def twin(rig: Rig, name: str) -> str:
    """Another repository with quickstart's environment."""
    return rig.repository(name, rig.example("quickstart"))


def test_slurmctld_is_away_for_two_minutes(alice: Person, bob: Person, rig: Rig) -> None:
    """A server runs, one is stopped, a job begins, one waits in the queue and one is submitted."""
    running_at = running(alice)
    running(bob)
    (stopped_one,) = bob.servers()
    with ExitStack() as lost_calls, ExitStack() as held:
        lost_calls.enter_context(unanswered_jobs(rig))
        begins = starting(bob, twin(rig, "begins"))
        eventually(lambda: begins.said("Starting on"), 180, "a job runs")
        rig.hold_starts()
        held.callback(rig.allow_starts)
        waits = starting(alice, twin(rig, "waits"))
        eventually(lambda: waits.said("Waiting in the queue"), 180, "a job waits")

        with stopped(rig, "slurmctld"):
            over = time.monotonic() + OUTAGE_SECONDS
            lost_calls.close()
            submitted = starting(alice, twin(rig, "submitted"))
            told = bob.call("DELETE", f"api/servers/{stopped_one}")
            assert told.is_success, told.text
            eventually(lambda: waits.said("has not answered"), 180, "the page says so")
            eventually(lambda: begins.said("has not answered"), 180, "the page says so")
            eventually(lambda: submitted.said("does not answer"), 180, "the page says so")
            assert answers(alice, running_at)
            time.sleep(max(0.0, over - time.monotonic()))
            assert answers(alice, running_at)

    for watch in (begins, waits, submitted):
        watch.ready()
        submitted_once(rig, watch)
    eventually(lambda: len(rig.jobs("bob")) == 1, 180, "the stopped server's job is gone")
    assert stopped_one not in bob.servers()
    assert len(rig.jobs("alice")) == 3
    assert answers(alice, running_at)


def test_the_hub_is_killed_before_sbatch(alice: Person, rig: Rig) -> None:
    with rig.silent("login"):
        watch = starting(alice)
        eventually(lambda: watch.said("Server requested"), 180, "the hub starts it")
        rig.kill("hub")
        rig.wait_until_up()
    watch.ready()
    has_one_job(rig, watch, "alice")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_hub_is_killed_during_sbatch(moment: str, alice: Person, rig: Rig) -> None:
    with slow_sbatch(rig, **{moment: 6}):
        watch = starting(alice)
        eventually(lambda: rig.processes("login", "^sleep 6$"), 180, "sbatch runs")
        rig.kill("hub")
        rig.wait_until_up()
        watch.ready()
    has_one_job(rig, watch, "alice")


def test_the_hub_is_killed_while_a_job_waits_long(alice: Person, rig: Rig) -> None:
    rig.hold_starts()
    try:
        watch = starting(alice)
        eventually(lambda: watch.said("Waiting in the queue"), 180, "the job waits")
        (job,) = rig.jobs("alice")
        # Ten minutes, shortened to some of the watcher's rounds before and after.
        time.sleep(10)
        rig.kill("hub")
        rig.wait_until_up()
        time.sleep(10)
        assert rig.jobs("alice") == [job]
    finally:
        rig.allow_starts()
    watch.ready()
    has_one_job(rig, watch, "alice")


def test_sbatch_answers_after_forty_seconds(alice: Person, rig: Rig) -> None:
    with slow_sbatch(rig, after=40):
        watch = starting(alice)
        watch.ready()
    has_one_job(rig, watch, "alice")


def test_a_launch_is_cancelled_while_sbatch_is_slow(alice: Person, rig: Rig) -> None:
    with slow_sbatch(rig, before=10):
        watch = starting(alice)
        eventually(lambda: rig.processes("login", "^sleep 10$"), 180, "sbatch runs")
        alice.call("DELETE", f"api/launches/{watch.launch}").raise_for_status()
        assert watch.end()["message"] == "Cancelled."
        eventually(lambda: not rig.processes("login", "^sleep 10$"), 180, "sbatch has ended")
        eventually(lambda: ended(rig, watch.launch), 180, "what was submitted is cancelled")
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
        eventually(lambda: not alice.servers(), 180, "the hub knows that it ended")
        assert not answers(alice, address)
        if elsewhere:
            assert answers(bob, other)
    assert job not in rig.jobs("alice")
    # She goes on where she was.
    watch = starting(alice)
    watch.ready()
    has_one_job(rig, watch, "alice")


def test_ssh_sessions_are_killed_all_the_time(alice: Person, rig: Rig) -> None:
    address = running(alice)
    watch = starting(alice, "http://git/dockerfile.git")
    for _ in range(15):
        end_ssh_sessions(rig)
        time.sleep(1)
    with stopped(rig, "login"):
        assert answers(alice, address)
    watch.ready(400)
    submitted_once(rig, watch)
    assert answers(alice, address)


def test_the_login_node_is_swapped(alice: Person, rig: Rig) -> None:
    address = running(alice)
    with swapped_login_node(rig):
        watch = starting(alice, "http://git/dockerfile.git")
        eventually(lambda: watch.said("host key"), 120, "the page says that it is another host")
        assert answers(alice, address)
    watch.ready(400)
    submitted_once(rig, watch)
    assert answers(alice, address)


def test_the_jobs_call_to_the_hub_is_lost(alice: Person, rig: Rig) -> None:
    with unanswered_jobs(rig):
        watch = starting(alice)
        eventually(lambda: watch.said("Starting on"), 180, "the job runs")
        time.sleep(15)
        assert not watch.saw("failed"), watch.events
    watch.ready()
    has_one_job(rig, watch, "alice")


def test_mariadb_is_down(alice: Person, bob: Person, rig: Rig) -> None:
    address = running(alice)
    with stopped(rig, "db"):
        watch = starting(bob)
        time.sleep(20)
        assert answers(alice, address)
        assert alice.servers()
        assert not watch.saw("failed"), watch.events
    watch.ready(240)
    has_one_job(rig, watch, "bob")
    assert len(rig.jobs("alice")) == 1


@pytest.mark.parametrize("seconds", [-300, 300])
def test_the_hubs_clock_is_five_minutes_off(seconds: int, alice: Person, rig: Rig) -> None:
    with wrong_clock(rig, seconds):
        watch = starting(alice)
        address = watch.ready()
        has_one_job(rig, watch, "alice")
        assert answers(alice, address)
        (server,) = alice.servers()
        alice.stop(server)
        eventually(lambda: not rig.jobs("alice"), 180, "the job is gone")
