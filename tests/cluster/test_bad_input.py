"""What goes wrong gets a sentence and a way out; what is hostile gets nowhere."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import pytest
from cluster.person import Person
from cluster.rig import Rig, eventually
from cluster.watch import Watch

from hpcbinderhub.profiles import Choices

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"


def fails(person: Person, repository: str, **more: Any) -> dict[str, Any]:
    """The last event of a launch that fails."""
    last = person.follow(person.launch(repository, start_when_ready=True, **more))
    assert last["phase"] == "failed", last
    assert last["advice"], last
    return last


@pytest.mark.parametrize(
    ("repository", "ref", "sentence"),
    [
        ("http://git/nothing-here.git", "", "is not a Git repository"),
        (QUICKSTART, "no-such-branch", "has no branch, tag or commit “no-such-branch”"),
        (QUICKSTART, "0123456789abcdef0123456789abcdef01234567", "has no commit 0123456789ab"),
        ("http://nowhere.invalid/x.git", "", "cannot be reached from here"),
    ],
)
def test_a_repository_that_cannot_be_had(
    alice: Person, repository: str, ref: str, sentence: str
) -> None:
    assert sentence in fails(alice, repository, ref=ref)["message"]


def test_what_is_no_address_is_refused_at_once(alice: Person) -> None:
    for repository, sentence in (
        ("hello", "is not the address of a Git repository"),
        ("git@git.example.org:org/private.git", "over SSH cannot be launched"),
        ("https://alice:secret@example.org/x.git", "holds a user name or password"),
    ):
        answer = alice.call(
            "POST", "api/launches", {"repository": repository, "profile": "interactive"}
        )
        assert answer.status_code == 400
        assert sentence in answer.json()["message"]
        assert answer.json()["advice"]


def test_an_environment_that_cannot_be_solved_names_the_two_sides(alice: Person, rig: Rig) -> None:
    requirements = "six==1.16.0\nsix==1.15.0\n"
    repository = rig.repository("unsolvable", {"requirements.txt": requirements})
    last = fails(alice, repository)
    assert "six" in json.dumps(last)
    assert "1.16.0" in json.dumps(last)


def test_a_package_that_does_not_exist_is_named(alice: Person, rig: Rig) -> None:
    name = "this-package-is-not-there-at-all"
    repository = rig.repository("no-package", {"requirements.txt": f"{name}\n"})
    assert name in json.dumps(fails(alice, repository))


def test_a_post_build_that_fails_shows_its_last_words(alice: Person, rig: Rig) -> None:
    script = "#!/bin/bash\necho these are my last words\nexit 3\n"
    repository = rig.repository("post-build-fails", {"postBuild": script})
    last = fails(alice, repository)
    assert "postBuild" in last["message"]
    assert "these are my last words" in last["detail"]


def test_conda_hosts_that_cannot_be_reached_are_said(alice: Person, rig: Rig) -> None:
    reachable = rig.cluster.run(
        "hub", "curl", "--silent", "--head", "--max-time", "5", "https://conda.anaconda.org",
        check=False,
    )  # fmt: skip
    if reachable.returncode == 0:
        pytest.skip("conda hosts are reachable here, so the message cannot be had")
    last = fails(alice, "http://git/conda.git")
    assert "conda" in last["message"]
    assert "requirements.txt" in last["advice"]


def test_a_build_that_runs_out_of_time_is_ended(alice: Person, rig: Rig) -> None:
    files = {"postBuild": "#!/bin/bash\necho still thinking\nsleep 300\n", "salt": rig.unique()}
    with rig.build_limits(build_seconds=10):
        last = fails(alice, rig.repository("slow", files))
    assert last["message"].startswith("The build was stopped after 10 seconds")
    assert "still thinking" in last["detail"]
    assert not rig.processes("hub", "sleep 300")


def test_a_build_that_fills_the_disk_is_ended(alice: Person, rig: Rig) -> None:
    script = "#!/bin/bash\nhead -c 2G /dev/zero > large\nsleep 300\n"
    files = {"postBuild": script, "salt": rig.unique()}
    with rig.build_limits(build_disk_mb=300):
        last = fails(alice, rig.repository("large", files))
    assert "this site allows 0.3 GB" in last["message"]
    assert not rig.processes("hub", "sleep 300")


def test_a_full_home_is_said(alice: Person, rig: Rig) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root on this host can put a full file system into the login node")
    with rig.full_directory("login", "/home/alice/hpcbinder", owner=2001):
        last = fails(alice, QUICKSTART)
    assert "Your storage is full" in last["message"]
    assert "quota" in last["advice"]


def test_a_partition_that_is_down_is_said_while_the_job_waits(alice: Person, rig: Rig) -> None:
    rig.hold_starts()
    try:
        watch = Watch(alice, alice.launch(QUICKSTART))
        eventually(lambda: watch.said("The partition is down."), 180, "the page says why it waits")
        alice.call("DELETE", f"api/launches/{watch.launch}").raise_for_status()
        watch.end()
    finally:
        rig.allow_starts()


def test_slurms_own_words_are_shown(alice: Person, rig: Rig) -> None:
    rig.slurm("scontrol", "update", "PartitionName=interactive", "MaxTime=10")
    try:
        last = fails(alice, QUICKSTART, minutes=60)
    finally:
        rig.slurm("scontrol", "update", "PartitionName=interactive", "MaxTime=240")
    assert last["message"] == "Slurm refused the job."
    assert "Requested time limit is invalid" in last["detail"]


def test_limits_and_accounts_are_checked_before_anything_is_built(alice: Person) -> None:
    for body, sentence in (
        ({"minutes": 100_000}, "gives 1 to 240 minutes"),
        ({"nodes": 9}, "gives 1 node, not 9"),
        ({"gpus": 3}, "gives no GPUs, not 3"),
        ({"account": "physics"}, "may not charge the Slurm account “physics”"),
        ({"profile": "nothing"}, "There is no profile “nothing” for you"),
    ):
        answer = alice.call(
            "POST",
            "api/launches",
            {"repository": QUICKSTART, "profile": "interactive"} | body,
        )
        assert answer.status_code in (400, 403)
        assert sentence in answer.json()["message"]


HOSTILE = (
    "'; touch /tmp/owned; '",
    "$(touch /tmp/owned)",
    "`touch /tmp/owned`",
    "a\n#SBATCH --uid=0\ntouch /tmp/owned",
    "#SBATCH --uid=0",
    "--upload-pack=touch /tmp/owned",
    "{cmd}{{ 7*7 }}",
    "--wrap=touch /tmp/owned",
)
FIELDS = ("repository", "ref", "spec", "profile", *Choices.model_fields)


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_nothing_of_a_users_input_reaches_a_shell(
    who: str, request: pytest.FixtureRequest, rig: Rig
) -> None:
    person: Person = request.getfixturevalue(who)
    for field, value in itertools.product(FIELDS, HOSTILE):
        body = {"repository": QUICKSTART, "profile": "interactive", field: value}
        answer = person.call("POST", "api/launches", body)
        assert answer.status_code in (400, 403, 404), (field, value, answer.text)
        assert answer.json()["message"]
    # The file to open first is text that may be anything: it must do no harm on its way.
    launch = person.launch(
        QUICKSTART, open="'; $(touch /tmp/owned) `touch /tmp/owned` {cmd} #SBATCH"
    )
    assert person.follow(launch)["phase"] == "ready"
    for node in ("hub", "login", "c1", "c2", "c3"):
        assert rig.cluster.run(node, "ls", "/tmp/owned", check=False).returncode != 0, node


def test_the_callback_answers_only_what_it_must(alice: Person, rig: Rig) -> None:
    path = "/hub/api/hpcbinderhub/jobs/alice/quickstart/claim"
    for body in (b"", b"[]", b"{}", b'{"ticket": "x", "job": "1; id"}', b"\xff"):
        answer = alice.client.post(path, content=body)
        assert answer.status_code in (400, 410), answer.text
        assert "Traceback" not in answer.text
    assert alice.client.get(path).status_code in (404, 405)
