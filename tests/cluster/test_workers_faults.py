"""What goes wrong with Dask workers on real Slurm, and what a notebook has of them then."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from cluster.crew_of_alice import (
    ALL_SQUARES,
    LAUNCHERS_AND_WORKERS,
    Server,
    sum_of_squares,
)
from cluster.faults import preemption
from cluster.lab import Kernel
from cluster.person import Person
from cluster.rig import Rig

pytestmark = [pytest.mark.cluster, pytest.mark.second_site, pytest.mark.slow]


async def until(kernel: Kernel, expression: str, seconds: float = 240) -> None:
    """As the notebook sees it."""
    limit = time.monotonic() + seconds
    while (await kernel.run(f"print(bool({expression}))")).split()[-1] != "True":
        assert time.monotonic() < limit, await kernel.run("print(workers)")
        await asyncio.sleep(0.5)


async def nodes_of(kernel: Kernel) -> dict[str, dict[str, Any]]:
    """The crew's nodes by their names, as the notebook knows them."""
    shown = await kernel.run("print(json.dumps([vars(node) for node in workers.crew.nodes]))")
    return {node["id"]: node for node in json.loads(shown.splitlines()[-1])}


async def elsewhere(kernel: Kernel, server: Server) -> dict[str, Any]:
    """One of the crew's nodes on which the server does not run."""
    here = server.node()
    return next(node for node in (await nodes_of(kernel)).values() if node["node"] != here)


REFUSED = """
import json
from hpcbinder import Workers
try:
    Workers(4, profile="spread", threads=3).wait(timeout="120s")
except RuntimeError as error:
    print(json.dumps([error.message, error.advice, error.detail]))
"""


async def test_slurm_refuses_more_jobs(server: Server, rig: Rig) -> None:
    modify = ("sacctmgr", "--immediate", "modify", "user", "alice", "set")
    rig.slurm(*modify, "MaxSubmitJobs=1")
    try:
        said = await server.lab.run(REFUSED)
    finally:
        rig.slurm(*modify, "MaxSubmitJobs=-1")
    message, advice, detail = json.loads(said.splitlines()[-1])
    assert message == "Slurm refused the job."
    assert "as many jobs as you may" in advice
    assert "AssocMaxSubmitJobLimit" in detail, said


@pytest.mark.parametrize("replace", [False, True])
async def test_a_node_dies_during_a_map(replace: bool, server: Server, rig: Rig) -> None:
    async with server.workers(6, replace=replace) as kernel:
        node = await elsewhere(kernel, server)
        answer = asyncio.create_task(kernel.run(ALL_SQUARES.format(count=60)))
        await asyncio.sleep(1.5)
        kill = ("pkill", "-9", "-f", LAUNCHERS_AND_WORKERS)
        await asyncio.to_thread(rig.cluster.run, node["node"], *kill)
        # Dask may have said something before it.
        assert (await answer).split()[-1] == sum_of_squares(60)
        await until(kernel, "any(node.lost for node in workers.crew.nodes)")
        (lost,) = [one for one in (await nodes_of(kernel)).values() if one["lost"]]
        assert (lost["id"], lost["state"]) == (node["id"], "ended")
        assert lost["words"]
        if replace:
            await until(kernel, "workers.crew.submissions == 2")
            await kernel.run("workers.wait(6, timeout='240s')")


async def test_hub_and_service_are_killed_during_a_map(server: Server, rig: Rig) -> None:
    async with server.workers(4) as kernel:
        answer = asyncio.create_task(kernel.run(ALL_SQUARES.format(count=60)))
        for what in ("service", "hub"):
            await asyncio.to_thread(rig.kill, what)
        await asyncio.to_thread(rig.wait_until_up)
        assert (await answer).split()[-1] == sum_of_squares(60)
        await kernel.run("workers.scale(6); workers.wait(timeout='240s')")
        assert len(server.jobs()) == 3


async def test_one_element_is_cancelled_and_ones_time_is_nearly_up(
    server: Server, rig: Rig
) -> None:
    async with server.workers(6) as kernel:
        cancelled, late, _ = await nodes_of(kernel)
        rig.slurm("scancel", cancelled)
        rig.slurm("scontrol", "update", f"JobId={late}", "TimeLimit=1")
        await until(kernel, "sum(node.state == 'ended' for node in workers.crew.nodes) == 2")
        ended = await nodes_of(kernel)
        assert "cancelled" in ended[cancelled]["words"]
        assert "time limit" in ended[late]["words"]
        assert (await kernel.run(ALL_SQUARES.format(count=4))).split()[-1] == "14"


TAKE_TOO_MUCH = """
def eat(path):
    if os.path.exists(path):
        return "fine"
    open(path, "w").close()
    kept = [bytearray(os.urandom(1024)) * 1024 * 64 for _ in range(30)]
    time.sleep(60)
    return len(kept)

mark = os.path.abspath("ate-" + workers.crew.id)
print(client.submit(eat, mark).result(timeout=240))
workers.wait(2, timeout="240s")
"""


async def test_a_worker_that_takes_too_much_memory_is_replaced(server: Server) -> None:
    async with server.workers(2) as kernel:
        assert (await kernel.run(TAKE_TOO_MUCH)).split()[-1] == "fine"
        assert len(server.jobs()) == 1


async def test_a_node_makes_room_for_another_job(server: Server, bob: Person, rig: Rig) -> None:
    async with server.workers(6, profile="yielding") as kernel:
        node = await elsewhere(kernel, server)
        answer = asyncio.create_task(kernel.run(ALL_SQUARES.format(count=60)))
        urgent = ("--partition=interactive", "--cpus-per-task=6", f"--nodelist={node['node']}")
        with preemption(rig, "regular", grace_seconds=10):
            sbatch = ("sbatch", *urgent, "--time=1", "--output=/dev/null", "--wrap=sleep 5")
            await asyncio.to_thread(rig.cluster.run, "login", *sbatch, user=bob.name)
            await until(kernel, "any(node.lost for node in workers.crew.nodes)")
        assert (await answer).split()[-1] == sum_of_squares(60)
        lost = (await nodes_of(kernel))[node["id"]]
        # Slurm's sign came before its end did, and it left in good time.
        assert lost["lost"]
        assert "a job of higher priority" in lost["words"]


KEEP_A_RESULT = """
import uuid
only_one = client.submit(uuid.uuid4, pure=False)
print(only_one.result(), workers.crew.nodes[0].id)
"""
HAVE_IT_STILL = """
print(client.submit(lambda one: one, only_one).result(), workers.crew.submissions > 1)
"""


async def test_work_leaves_a_node_before_its_time_is_up(server: Server) -> None:
    """And what it had computed is not computed again: a replacement has it by then."""
    async with server.workers(2, profile="brief", minutes=2, replace=True) as kernel:
        result, node = (await kernel.run(KEEP_A_RESULT)).split()[-2:]
        gone = f"any(node.id == {node!r} and not node.alive for node in workers.crew.nodes)"
        await until(kernel, gone)
        assert (await kernel.run(HAVE_IT_STILL)).split()[-2:] == [result, "True"]
