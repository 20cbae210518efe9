"""A server on the login node: without Slurm, and with nothing left of it when it has ended."""

from __future__ import annotations

import json

import pytest
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"

LOOK_AROUND = """
import json, os, pathlib, socket, subprocess
# It ignores what it is asked, has a session of its own, and nobody's mark.
stubborn = "trap '' TERM; while :; do sleep 0.5; done"
child = subprocess.Popen(["bash", "-c", stubborn], env={}, start_new_session=True)
print(json.dumps({
    "node": socket.gethostname(), "uid": os.getuid(), "nice": os.nice(0),
    "cpus": len(os.sched_getaffinity(0)), "homes": os.listdir("/home/alice"),
    "job": os.environ.get("SLURM_JOB_ID"), "run": os.environ["HPCBINDER_RUN"],
    "server": os.getppid(), "child": child.pid, "token": os.environ["JUPYTERHUB_API_TOKEN"],
}))
"""


def of_alice(rig: Rig) -> set[int]:
    """Her processes on the login node; not the hub's own connections nor what waits in one of them,
    nor what has ended and whose parent has not looked yet."""
    form = "--format=pid=,ppid=,state=,comm="
    done = rig.cluster.run("login", "ps", "--user=alice", form, check=False)
    rows = [line.split(None, 3) for line in done.stdout.splitlines()]
    left = {int(pid): (int(parent), name) for pid, parent, state, name in rows if state != "Z"}

    def is_connection(pid: int) -> bool:
        parent, name = left.get(pid, (0, ""))
        return name.startswith("sshd") or (parent in left and is_connection(parent))

    return {pid for pid in left if not is_connection(pid)}


async def test_a_server_on_the_login_node_survives_the_hub_and_ends_with_its_children(
    alice: Person, rig: Rig
) -> None:
    last = alice.follow(alice.launch(QUICKSTART, profile="login", start_when_ready=True))
    assert last["phase"] == "ready", last
    assert rig.jobs("alice") == []
    lab = Lab(alice, last["url"])
    seen = json.loads(await lab.run(LOOK_AROUND))
    assert (seen["node"], seen["uid"], seen["job"]) == ("login", 2001, None)
    assert (seen["nice"], seen["cpus"], seen["homes"]) == (10, 1, ["hpcbinder"])
    assert {seen["server"], seen["child"]} <= of_alice(rig)

    # Nobody else on the node reads a secret: not in files that all may read, nor in a command line.
    for everywhere in (("/tmp",), ("/dev/shm",)):
        found = rig.cluster.run(
            "login", "grep", "-rlFf", "-", *everywhere, input=seen["token"], check=False
        )
        assert found.stdout == ""
    lines = rig.cluster.run("login", "sh", "-c", "cat /proc/[0-9]*/cmdline", check=False).stdout
    assert seen["token"] not in lines

    rig.kill("hub")
    rig.wait_until_up()
    eventually(lambda: alice.servers(), 180, "the hub knows the server")
    assert {seen["server"], seen["child"]} <= of_alice(rig)
    assert json.loads(await lab.run("import os; print(os.getppid())")) == seen["server"]

    (server,) = alice.servers()
    alice.stop(server)
    eventually(lambda: not of_alice(rig), 180, "nothing of alice's is left on the login node")
