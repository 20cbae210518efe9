"""An image that does what it can before the start command, with real storage, Slurm and network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster.faults import unanswered_jobs
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig, eventually
from cluster.watch import Watch

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"
DOCKERFILE = """FROM debian:bookworm
COPY hostile.py /opt/hostile.py
COPY hostile.sh /etc/profile.d/hostile.sh
"""
PROFILE = """kill -STOP $PPID
/srv/hpcbinder/env/bin/python3 -I /opt/hostile.py $PPID {server} {job} > /dev/null 2>&1 &
"""
SECRET = "what alice keeps to herself"


class Victim:
    """Bob, who has a server."""

    def __init__(self, bob: Person, rig: Rig):
        self._bob, self._rig = bob, rig
        last = bob.follow(bob.launch(QUICKSTART, start_when_ready=True))
        assert last["phase"] == "ready", last
        self._lab = Lab(bob, last["url"])
        (self.server,) = bob.servers()
        (self.job,) = rig.jobs("bob")

    def is_as_before(self) -> bool:
        """His server is the one that it was, and answers."""
        return (
            self._rig.jobs("bob") == [self.job]
            and self._bob.servers() == [self.server]
            and self._lab.get("api/status").status_code == 200
        )


@pytest.fixture
def victim(bob: Person, rig: Rig) -> Victim:
    return Victim(bob, rig)


@pytest.fixture
def image(alice: Person, victim: Victim, rig: Rig) -> Iterator[str]:
    """A repository that alice launches; she has a file that no launch sees."""
    private = "/home/alice/private.txt"
    rig.cluster.run("login", "tee", private, user="alice", input=SECRET)
    files = {
        "Dockerfile": DOCKERFILE,
        "hostile.py": Path(__file__).with_name("hostile.py").read_text(),
        "hostile.sh": PROFILE.format(server=victim.server, job=victim.job),
    }
    yield rig.repository(f"hostile-{rig.unique()[:6]}", files)
    rig.cluster.run("login", "rm", private)


def launched(alice: Person, rig: Rig, image: str, profile: str) -> tuple[Watch, dict[str, Any]]:
    """A launch of it, and what it was answered. It reads the ticket before anybody can spend it."""
    rig.hold_starts()
    try:
        watch = Watch(alice, alice.launch(image, profile, start_when_ready=True))
        eventually(lambda: watch.said("Waiting in the queue"), 120, "the job waits")
        directory = f"/home/alice/hpcbinder/launches/{watch.launch}"
        with unanswered_jobs(rig):
            rig.allow_starts()
            eventually(lambda: in_launch(rig, f"{directory}/hostile.began")[0], 180, "it runs")
    finally:
        rig.allow_starts()
    answered = f"{directory}/hostile.json"
    eventually(lambda: in_launch(rig, answered)[0], 180, "it has tried everything")
    return watch, json.loads(in_launch(rig, answered)[1])


def in_launch(rig: Rig, path: str) -> tuple[bool, str]:
    """Whether there is such a file of alice's, and what is in it."""
    done = rig.cluster.run("login", "cat", path, user="alice", check=False)
    return done.returncode == 0, done.stdout


def shown(alice: Person, watch: Watch) -> str:
    """All that is told of the launch: events, record, pages."""
    record = alice.call("GET", f"api/launches/{watch.launch}")
    record.raise_for_status()
    pages = [alice.client.get(f"/services/binder/{page}") for page in ("mine", "recent")]
    return json.dumps(watch.events) + record.text + "".join(page.text for page in pages)


def test_one_that_claims_first_gets_its_own_launch_and_ends_it(
    alice: Person, victim: Victim, image: str, rig: Rig
) -> None:
    watch, answered = launched(alice, rig, image, "interactive")
    assert (answered["claim"], answered["user"]) == (200, "alice")
    assert answered["as bob"] == [403] * 4
    assert answered["attributes"] == [400] * 3
    assert (answered["port"], answered["heard"]) == (200, 0x16)
    last = watch.end()
    assert last["phase"] == "failed", last
    assert "exit code 3" in last["message"], last
    assert "(The job's log could not be read" in last["detail"], last
    assert SECRET not in shown(alice, watch)
    assert alice.servers() == []
    eventually(lambda: not rig.jobs("alice"), 180, "its job is over")
    assert victim.is_as_before()


async def test_one_that_comes_second_gets_nothing_and_the_server_is_alices(
    alice: Person, victim: Victim, image: str, rig: Rig
) -> None:
    watch, answered = launched(alice, rig, image, "regular")
    assert (answered["claim"], answered["user"]) == (409, "")
    assert answered["as bob"] == [403] * 4
    assert answered["attributes"] == [403] * 3
    lab = Lab(alice, watch.ready())
    assert lab.get("api/status").status_code == 200
    assert SECRET not in shown(alice, watch)
    # What it has written into the launch's directory names bob's job.
    (server,) = alice.servers()
    alice.stop(server)
    eventually(lambda: not rig.jobs("alice"), 180, "alice's own job is gone")
    assert SECRET not in shown(alice, watch)
    assert victim.is_as_before()
