"""Dask workers of a notebook on real Slurm: as they should be, and as things go wrong."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from cluster.crew_of_alice import (
    ALL_SQUARES,
    NODES,
    QUICKSTART,
    Server,
    ask,
    sum_of_squares,
)
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig, eventually
from cluster.watch import Watch

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

END_OF_IT = """
try:
    workers.wait(timeout="240s")
    while True:
        time.sleep(0.2)
        workers.client()
except WorkersError as error:
    print(error)
"""


async def test_one_submission_gives_workers_on_three_nodes(server: Server, rig: Rig) -> None:
    async with server.workers(6) as kernel:
        assert len({job.partition("_")[0] for job in server.jobs()}) == 1
        hosts = "print(sorted(set(client.run(socket.gethostname).values())))"
        assert (await kernel.run(hosts)).strip() == str(list(NODES))
        assert (await kernel.run(ALL_SQUARES.format(count=24))).strip() == sum_of_squares(24)
        assert (await kernel.run("print(workers.crew.submissions)")).strip() == "1"
        await kernel.run("workers.close()")
        eventually(lambda: not server.processes(), 60, "no process is left")


async def test_scaling_is_one_submission_more_or_one_cancel(server: Server) -> None:
    async with server.workers(2) as kernel:
        await kernel.run("workers.scale(6); workers.wait(timeout='240s')")
        assert (await kernel.run("print(workers.crew.submissions)")).strip() == "2"
        await kernel.run("workers.scale(2)")
        eventually(lambda: len(server.jobs()) == 1, 120, "two nodes are given back")
        shown = "print(len(client.scheduler_info()['workers']), workers.crew.submissions)"
        assert (await kernel.run(shown)).strip() == "2 2"


async def test_the_scheduler_is_killed(server: Server) -> None:
    async with server.workers(4) as kernel:
        await kernel.run("os.kill(workers._process.pid, 9)")
        assert "scheduler" in await kernel.run(END_OF_IT)
        server.nothing_is_left()


async def test_workers_end_with_their_kernel(server: Server) -> None:
    async with server.workers(4):
        assert len(server.jobs()) == 2
    # And nothing was left.


async def test_workers_that_are_kept_wait_for_the_next_kernel(server: Server) -> None:
    async with server.lab.kernel() as kernel:
        await kernel.run(ask(4, keep=True, name="kept"))
    async with server.lab.kernel() as kernel:
        assert len(server.jobs()) == 2
        attach = "from hpcbinder import Workers; workers = Workers.attach('kept')"
        await kernel.run(attach)
        answer = "workers.wait(); print(workers.client().submit(sum, [1, 2, 3]).result())"
        assert (await kernel.run(answer)).strip() == "6"
        await kernel.run("workers.close()")
    server.nothing_is_left()


SECRETS = """
print(json.dumps([workers.crew.scheduler, max(workers._keys.key.splitlines(), key=len)]))
"""
CONNECT = """
import socket, ssl, sys
host, port = sys.argv[1].removeprefix("tls://").rsplit(":", 1)
anything = ssl.create_default_context()
anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
try:
    with anything.wrap_socket(socket.create_connection((host, int(port)), 10)) as plain:
        plain.settimeout(10)
        print("answered" if plain.recv(100) else "refused")
except (ssl.SSLError, ConnectionError):
    print("refused")
"""
# The secret is in no program's arguments, where it would be found.
LOOK_AROUND = """
secret=$(cat)
look() { grep -F -f <(printf %s "$secret") "$@" 2> /dev/null; }
ps -eww -o args= | look
cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2> /dev/null | tr '\\0' '\\n' | look
look -rl /home /scratch /tmp /var/tmp /local /dev/shm /var/lib/slurm
true
"""


async def test_somebody_else_on_the_node_gets_nothing(server: Server, rig: Rig) -> None:
    async with server.workers(6) as kernel:
        scheduler, key = json.loads((await kernel.run(SECRETS)).splitlines()[-1])
        (claim,) = rig.cluster.run(
            "login", "sh", "-c", "ls -t $(find /home/alice -name claim.json) | head -n 1"
        ).stdout.split()
        ticket = json.loads(rig.cluster.run("login", "cat", claim).stdout)["ticket"]
        for node in NODES:
            tried = rig.cluster.run(node, "python3", "-c", CONNECT, scheduler, user="bob")
            assert tried.stdout.strip() == "refused"
            for secret in (key, ticket):
                seen = rig.cluster.run(node, "bash", "-c", LOOK_AROUND, user="bob", input=secret)
                assert seen.stdout == ""
        for job in server.jobs():
            shown = rig.slurm("scontrol", "show", "job", "--details", job)
            shown += rig.slurm("sacct", "--batch-script", f"--jobs={job}")
            shown += rig.slurm("sacct", "--env-vars", f"--jobs={job}")
            assert "hpcbinder" in shown
            assert key not in shown
            assert ticket not in shown


ASK_FOR_MORE = """
from hpcbinder import Workers
try:
    Workers({asked}).wait(timeout="240s")
except RuntimeError as error:
    print(error.status)
"""
TOKEN = "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])"


@pytest.mark.parametrize(
    "asked",
    [
        "100, profile='spread'",
        "2, profile='spread', cpus=64",
        "2, profile='spread', account='nobodys'",
        "2, profile='login'",
    ],
)
async def test_nobody_has_more_than_is_offered(asked: str, server: Server) -> None:
    said = await server.lab.run(ASK_FOR_MORE.format(asked=asked))
    assert said.strip() in ("400", "403"), said
    assert server.jobs() == []


async def test_nobody_asks_as_somebody_else(server: Server, rig: Rig, bob: Person) -> None:
    theirs = Lab(bob, Watch(bob, bob.launch(QUICKSTART, start_when_ready=True)).ready(600))
    token = (await theirs.run(TOKEN)).strip()
    answer = await asyncio.to_thread(
        httpx.post,
        f"{rig.url}/services/binder/api/crews/{server.launch}",
        json={"name": "hers", "workers": 2},
        headers={"Authorization": f"token {token}"},
        timeout=60,
    )
    assert answer.status_code in (403, 404), answer.text
    assert server.jobs() == []


async def test_workers_end_with_their_server(server: Server, alice: Person, rig: Rig) -> None:
    """The last, since it ends the server of all others."""
    async with server.lab.kernel() as kernel:
        await kernel.run(ask(4, keep=True))
        for name in alice.servers():
            alice.stop(name)
        eventually(lambda: not rig.jobs("alice"), 240, "no job is left")
        eventually(lambda: not server.processes(), 180, "no process is left")
