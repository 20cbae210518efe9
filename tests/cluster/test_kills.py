"""`kill -9` of each process in each phase of a launch: nothing is lost, orphaned or doubled."""

from __future__ import annotations

import pytest
from cluster.person import Person
from cluster.rig import Rig, eventually
from cluster.watch import Watch

pytestmark = [pytest.mark.cluster, pytest.mark.second_site, pytest.mark.slow]

VICTIMS = ("hub", "service", "worker")
PHASES = ("building", "converting", "queued", "starting")


def wait_for(phase: str, watch: Watch, person: Person, rig: Rig) -> None:
    """Until the launch is in the phase in which something is to be killed."""
    if phase in ("building", "converting"):
        build = eventually(
            lambda: next((e["build"] for e in watch.events if "build" in e), None), 180, "it builds"
        )
        eventually(
            lambda: phase in build_phases(person, build), 120, f"the build is in phase {phase}"
        )
    elif phase == "queued":
        eventually(lambda: rig.jobs(person.name), 180, "the job is in the queue")
        eventually(lambda: watch.said("Waiting in the queue"), 180, "the page says so")
    else:
        eventually(lambda: watch.said("JupyterLab is starting"), 180, "the server starts")


def build_phases(person: Person, build: str) -> set[str]:
    """The phases that a build has told of."""
    answer = person.call("GET", f"api/builds/{build}")
    return set(answer.json().get("phases", []))


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("victim", VICTIMS)
def test_kill(victim: str, phase: str, alice: Person, rig: Rig) -> None:
    if phase in ("building", "converting"):
        files = {"postBuild": "#!/bin/bash\nsleep 3\n", "requirements.txt": "six\n"}
        repository = rig.repository(f"kill-{victim}-{phase}", files | {"salt": rig.unique()})
    else:
        repository = "http://git/quickstart.git"
    if phase == "queued":
        rig.hold_starts()
    try:
        watch = Watch(alice, alice.launch(repository, start_when_ready=True))
        wait_for(phase, watch, alice, rig)
        rig.kill(victim)
        rig.wait_until_up()
    finally:
        rig.allow_starts()
    last = watch.end()
    assert last["phase"] == "ready", watch.events
    # Accounting hears of a job a moment after it starts.
    jobs = eventually(lambda: rig.jobs_of_launch(watch.launch), 180, "accounting knows the job")
    assert len(jobs) == 1
    assert len(rig.jobs("alice")) == 1
    numbers = [event["number"] for event in watch.events]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("victim", VICTIMS)
def test_kill_while_the_repository_is_fetched(victim: str, alice: Person, rig: Rig) -> None:
    with rig.silent("git"):
        watch = Watch(alice, alice.launch("http://git/quickstart.git", start_when_ready=True))
        eventually(lambda: watch.said("Fetching"), 180, "the page says so")
        rig.kill(victim)
        rig.wait_until_up()
    assert watch.end()["phase"] == "ready", watch.events
    assert len(rig.jobs("alice")) == 1


@pytest.mark.parametrize("victim", ["hub", "service"])
def test_a_running_server_does_not_notice(victim: str, alice: Person, rig: Rig) -> None:
    last = alice.follow(alice.launch("http://git/quickstart.git"))
    (job,) = rig.jobs("alice")
    rig.kill(victim)
    rig.wait_until_up()
    eventually(lambda: alice.servers(), 180, "the hub knows the server")
    assert rig.jobs("alice") == [job]
    answer = alice.client.get(f"{last['url']}api/status")
    assert answer.status_code in (200, 403), answer.text  # Answered by the server, not by the hub.


def test_a_cancelled_launch_leaves_no_job(alice: Person, rig: Rig) -> None:
    rig.hold_starts()
    try:
        watch = Watch(alice, alice.launch("http://git/quickstart.git"))
        wait_for("queued", watch, alice, rig)
        alice.call("DELETE", f"api/launches/{watch.launch}").raise_for_status()
        assert watch.end()["message"] == "Cancelled."
        eventually(lambda: not rig.jobs("alice"), 180, "the job is cancelled")
    finally:
        rig.allow_starts()
