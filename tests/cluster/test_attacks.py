"""People who want more than they may have, and code that is not what it says."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from cluster.faults import unanswered_jobs
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig, eventually
from cluster.watch import Watch

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"
HOSTILE_RC = """
export SBATCH_TIMELIMIT=1 SBATCH_PARTITION=gpu SBATCH_EXPORT=ALL SBATCH_QOS=high SBATCH_ACCOUNT=ml
export SQUEUE_FORMAT=nonsense SLURM_CONF=/home/alice/slurm.conf BASH_ENV=/home/alice/evil.sh
export PYTHONPATH=/home/alice PYTHONSTARTUP=/home/alice/evil.py PATH=/home/alice/bin:$PATH
echo '{"nonce": "guess", "ok": true}'
head -c 100000 /dev/zero | tr '\\0' x
cd /tmp
"""


def running(person: Person) -> tuple[str, str, str]:
    """A running server: its launch, its name, its address."""
    launch = person.launch(QUICKSTART, start_when_ready=True)
    last = person.follow(launch)
    assert last["phase"] == "ready", last
    (server,) = person.servers()
    return launch, server, last["url"]


async def token_of(person: Person, address: str) -> str:
    """The server's own token, as code in it sees it."""
    code = "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])"
    return (await Lab(person, address).run(code)).strip()


SOMEBODY = {"claimant": "c1" * 16, "tls": True}
"""As another run of the start command says it."""


def call_back(rig: Rig, user: str, server: str, what: str, body: Any, token: str) -> httpx.Response:
    """What a job would send to the hub."""
    return httpx.post(
        f"{rig.url}/hub/api/hpcbinderhub/jobs/{user}/{server}/{what}",
        json=body,
        headers={"Authorization": f"token {token}"} if token else {},
        timeout=30,
    )


def ask_for(person: Person, options: dict[str, Any]) -> None:
    """A start request by hand, past the launch page, and its end."""
    answer = person.hub("POST", "users/alice/servers/by-hand", options)
    assert answer.status_code in (201, 202, 400), answer.text
    eventually(lambda: "by-hand" not in person.servers(), 180, "the start has ended")


def test_rc_files_change_nothing(alice: Person, rig: Rig) -> None:
    names = (".bashrc", ".bash_profile", ".profile")
    rig.cluster.run("login", "mkdir", "-p", "/home/alice/bin")
    for program in ("sbatch", "squeue", "python3", "git"):
        evil = "#!/bin/sh\ntouch /tmp/owned-by-path\n"
        path = f"/home/alice/bin/{program}"
        rig.cluster.run("login", "install", "-m", "0755", "/dev/stdin", path, input=evil)
    rig.cluster.run("login", "tee", *[f"/home/alice/{name}" for name in names], input=HOSTILE_RC)
    try:
        running(alice)
        (job,) = rig.jobs("alice")
        shown = rig.slurm("squeue", "--noheader", f"--jobs={job}", "--format=%P|%l|%a")
        partition, limit, _ = shown.split("|")
        assert (partition, limit) == ("interactive", "1:00:00")
        for node in ("login", "c1", "c2", "c3"):
            owned = rig.cluster.run(node, "ls", "/tmp/owned-by-path", check=False)
            assert owned.returncode != 0, node
    finally:
        rig.cluster.run(
            "login", "rm", "-r", *[f"/home/alice/{n}" for n in names], "/home/alice/bin"
        )


async def test_the_call_back_takes_no_token_but_the_servers_own(
    alice: Person, bob: Person, rig: Rig
) -> None:
    _, server, address = running(alice)
    _, _, other = running(bob)
    theirs = await token_of(bob, other)
    own = await token_of(alice, address)
    for token in (theirs, alice.token, bob.token, "", "x"):
        for what, body in (
            ("ready", {"port": 8888}),
            ("session/ending", {"why": "idle"}),
            ("session/extension", {"minutes": 5}),
        ):
            answer = call_back(rig, "alice", server, what, body, token)
            assert answer.status_code == 403, (what, answer.text)
    for what, body in (
        ("session/ending", {"why": "idle; id"}),
        ("session/ending", {"why": "idle", "user": "bob"}),
        ("session/extension", {"minutes": 10**9}),
        ("session/extension", {"minutes": "1h"}),
        ("session/extension", {"minutes": 5, "job": "1"}),
    ):
        assert call_back(rig, "alice", server, what, body, own).status_code == 400, (what, body)
    for body in (
        {"port": 8888, "exec_prefix": "id"},
        {"port": 8888, "host": "login"},
        {"port": 22},
        {"port": "8888; id"},
        {"port": 8888, "notice": "two\nlines"},
    ):
        assert call_back(rig, "alice", server, "ready", body, own).status_code == 400, body
    assert Lab(alice, address).get("api/status").status_code == 200


async def test_the_call_back_is_deaf_after_the_jobs_end(alice: Person, rig: Rig) -> None:
    _, server, address = running(alice)
    own = await token_of(alice, address)
    alice.stop(server)
    eventually(lambda: not rig.jobs("alice"), 180, "the job is gone")
    answer = call_back(rig, "alice", server, "ready", {"port": 8888}, own)
    assert answer.status_code == 410, answer.text
    assert alice.servers() == []


def test_a_ticket_is_good_once_and_for_one_job(alice: Person, bob: Person, rig: Rig) -> None:
    with unanswered_jobs(rig):
        watch = Watch(alice, alice.launch(QUICKSTART, start_when_ready=True))
        path = f"/home/alice/hpcbinder/launches/{watch.launch}/claim.json"
        eventually(lambda: watch.said("Starting on"), 180, "the job runs")
        refused = rig.cluster.run("login", "cat", path, user="bob", check=False)
        assert "Permission denied" in refused.stderr
        claim = json.loads(rig.cluster.run("login", "cat", path, user="alice").stdout)
        (job,) = rig.jobs("alice")
        (server,) = alice.servers()
        other = {"ticket": claim["ticket"], "job": str(int(job) + 1), **SOMEBODY}
        assert call_back(rig, "alice", server, "claim", other, "").status_code == 403
        guess = {"ticket": "x" * 43, "job": job, **SOMEBODY}
        assert call_back(rig, "alice", server, "claim", guess, "").status_code == 403
    assert watch.end()["phase"] == "ready", watch.events
    spent = {"ticket": claim["ticket"], "job": job, **SOMEBODY}
    again = call_back(rig, "alice", server, "claim", spent, "")
    assert again.status_code == 409, again.text
    assert "JUPYTERHUB_API_TOKEN" not in again.text


def test_files_that_the_user_edits_reach_nobody_elses_job(
    alice: Person, bob: Person, rig: Rig
) -> None:
    running(bob)
    (victim,) = rig.jobs("bob")
    rig.hold_starts()
    try:
        watch = Watch(alice, alice.launch(QUICKSTART, start_when_ready=True))
        eventually(lambda: watch.said("Waiting in the queue"), 180, "the job waits")
        directory = f"/home/alice/hpcbinder/launches/{watch.launch}"
        rig.cluster.run("login", "tee", f"{directory}/job", user="alice", input=victim)
        rig.kill("hub")
        rig.wait_until_up()
        alice.call("DELETE", f"api/launches/{watch.launch}").raise_for_status()
        assert watch.end()["message"] == "Cancelled."
    finally:
        rig.allow_starts()
    assert rig.jobs("bob") == [victim]
    eventually(lambda: not rig.jobs("alice"), 180, "her own job is gone")


def test_slurm_itself_refuses_what_is_asked_past_the_pages(alice: Person, rig: Rig) -> None:
    _, server, _ = running(alice)
    model = alice.hub("GET", "users/alice?include_stopped_servers=1").json()["servers"][server]
    good = model["user_options"]
    alice.stop(server)
    for change in (
        {"account": "physics"},
        {"account": "root"},
        {"minutes": 100_000},
        {"nodes": 1000},
        {"gpus": 8},
        {"profile": "gpu", "gpus": 9},
        {"artefact": "0" * 64},
        {"workspace": "../../bob"},
        {"launch": "../../../tmp"},
        {"partition": "regular"},
        {"wrap": "id"},
    ):
        ask_for(alice, good | {"launch": rig.unique()[:16]} | change)
        assert rig.jobs("alice") == [], change
    # Slurm says no by itself, whatever a hub would let through.
    for option, words in (
        ("--account=physics", "Invalid account"),
        ("--time=5:00:00", "time limit"),
        ("--mem=64G", "Memory"),
    ):
        refused = rig.cluster.run(
            *("login", "sbatch", "--partition=interactive", option, "--wrap=true"),
            user="alice",
            check=False,
        )
        assert refused.returncode != 0, option
        assert words.lower() in refused.stderr.lower(), (option, refused.stderr)


async def test_another_user_on_the_same_node_sees_nothing(
    alice: Person, bob: Person, rig: Rig
) -> None:
    launch, _, address = running(alice)
    token = await token_of(alice, address)
    (job,) = rig.jobs("alice")
    node = rig.slurm("squeue", "--noheader", f"--jobs={job}", "--format=%B")
    places = (f"/home/alice/hpcbinder/launches/{launch}", "/home/alice/hpcbinder/workspaces")
    for place in places:
        seen = rig.cluster.run(node, "ls", place, user="bob", check=False)
        assert "Permission denied" in seen.stderr, place
    servers = rig.cluster.run(node, "pgrep", "-u", "alice").stdout.split()
    assert servers
    for process in servers:
        for file in ("environ", "cwd/", "root/", "maps"):
            seen = rig.cluster.run(node, "ls", f"/proc/{process}/{file}", user="bob", check=False)
            read = rig.cluster.run(node, "cat", f"/proc/{process}/{file}", user="bob", check=False)
            assert read.returncode != 0, (process, file)
            assert seen.stdout.strip() in ("", f"/proc/{process}/{file}")
    arguments = rig.cluster.run(node, "sh", "-c", "cat /proc/[0-9]*/cmdline", check=False).stdout
    assert token not in arguments
    # Not even in what root could read: Slurm's own copies, and where everybody may write.
    everywhere = ("/tmp", "/dev/shm", "/var/tmp", "/var/spool")
    found = rig.cluster.run(node, "grep", "-rlFf", "-", *everywhere, input=token, check=False)
    assert found.stdout == ""
