"""Nodes exchange their batch's ticket: who may, when, how often, and for what."""

from __future__ import annotations

import asyncio

import pytest
from crews.rig import SCHEDULER, Rig

from hpcbinderhub.crews.requests import CrewRequest
from hpcbinderhub.errors import Unavailable, UserError
from hpcbinderhub.launches.records import Launch


async def test_claims_are_for_the_elements_of_a_batch_once_a_run(rig: Rig, launch: Launch) -> None:
    crew = await rig.ask(launch, nodes=2)
    crew = await rig.until(launch, crew, pending=2)
    job = crew.batches[0].job
    with pytest.raises(Unavailable, match="does not say yet"):
        await rig.claim(crew, f"{job}_0")
    rig.slurm.run(f"{job}_0")
    rig.slurm.run(f"{job}_1")
    grant = await rig.claim(crew, f"{job}_0")
    # An answer that was lost is given again, to the one who asked.
    assert (await rig.claim(crew, f"{job}_0"))["tls"] == grant["tls"]
    for values, status in (
        ({"claimant": "d" * 32}, 409),
        ({"ticket": "another"}, 403),
        ({"job": "999"}, 403),
        ({"task": "2"}, 403),
    ):
        with pytest.raises(UserError) as caught:
            await rig.claim(crew, f"{job}_0", **values)
        assert caught.value.status == status, values
    # Put back and run again, it is another run.
    rig.slurm.change(f"{job}_0", "PENDING", node="", started=0)
    with pytest.raises(Unavailable):
        await rig.claim(crew, f"{job}_0", claimant="d" * 32)
    rig.slurm.change(f"{job}_0", "RUNNING", node="c2", started=4_000_000_000)
    assert await rig.claim(crew, f"{job}_0", claimant="d" * 32)
    # Another user's job of that id is not ours.
    rig.slurm.rows[f"{job}_1"]["uid"] = "1"
    with pytest.raises((UserError, Unavailable)):
        await rig.claim(crew, f"{job}_1")
    await rig.crews.close_crew(crew, "closed")
    with pytest.raises(UserError) as caught:
        await rig.claim(crew, f"{job}_0")
    assert caught.value.status == 410


async def test_a_node_waits_for_the_scheduler(rig: Rig, launch: Launch) -> None:
    crew, _ = await rig.crews.ask(launch, [], CrewRequest(name="workers", nodes=1))
    crew = await rig.until(launch, crew, pending=1)
    rig.slurm.run("100_0")
    with pytest.raises(Unavailable, match="scheduler"):
        await rig.claim(crew, "100_0")
    crew = await rig.change(launch, crew, scheduler=SCHEDULER)
    assert (await rig.claim(crew, "100_0"))["scheduler"] == SCHEDULER


async def test_a_node_gets_what_the_server_has_and_no_token(rig: Rig, launch: Launch) -> None:
    crew = await rig.until(launch, await rig.ask(launch, workers=6, threads=2), pending=3)
    rig.slurm.run("100_2", node="c3", minutes=30)
    grant = await rig.claim(crew, "100_2")
    assert 1790 < grant.pop("left") <= 1800
    assert sorted(grant.pop("tls")) == ["certificate", "key"]
    env = grant.pop("env")
    assert env["BINDER_REPO_URL"] == launch.repo_url
    assert not [name for name in env if "TOKEN" in name]
    where, batch = "/home/alice/hpcbinder", crew.batches[0].id
    assert grant == {
        "workspace": f"{where}/workspaces/x/files",
        "home": f"{where}/launches/{launch.id}/home",
        "scheduler": SCHEDULER,
        "node": "100_2",
        "workers": 2,
        "threads": 2,
        "memory_mb": 2048,
        "gpus": 0,
        "warn_seconds": 120,
        "lost_contact_seconds": 300,
        "log": f"{where}/launches/{batch}-logs/node-2.log",
    }
    rig.slurm.logs[grant["log"]] = "no Dask here"
    assert await rig.crews.log(launch, crew.id, "100_2") == "no Dask here"
    with pytest.raises(UserError, match="no node 100_3"):
        await rig.crews.log(launch, crew.id, "100_3")


async def test_a_claim_is_held_until_it_can_be_granted(rig: Rig, launch: Launch) -> None:
    crew, _ = await rig.crews.ask(launch, [], CrewRequest(name="workers", nodes=1))
    crew = await rig.until(launch, crew, pending=1)
    rig.in_a_hurry.clear()
    claim = asyncio.create_task(rig.claim(crew, "100_0"))
    await asyncio.sleep(0.1)
    await rig.change(launch, crew, scheduler=SCHEDULER)
    await asyncio.sleep(0.1)
    assert not claim.done()
    rig.slurm.run("100_0", node="c3")
    assert (await claim)["scheduler"] == SCHEDULER
    assert (await rig.crews.one(launch, crew.id)).nodes[0].node == "c3"


async def test_nodes_that_claim_together_share_their_looks(rig: Rig, launch: Launch) -> None:
    crew = await rig.until(launch, await rig.ask(launch, nodes=5), pending=5)
    for task in range(5):
        rig.slurm.run(f"100_{task}")
    await rig.crews.close()
    rig.hub.asked.clear()
    version = (await rig.crews.one(launch, crew.id)).version
    calls = [rig.claim(crew, f"100_{task}") for task in range(5)]
    bad = rig.claim(crew, "100_0", ticket="another")
    *grants, refused = await asyncio.gather(*calls, bad, return_exceptions=True)
    assert [grant["node"] for grant in grants] == [f"100_{task}" for task in range(5)]
    assert isinstance(refused, UserError)
    # Not one fresh look for each, and not one change of the crew. What is not fresh, the keeper
    # asked before it was stopped.
    assert 0 < sum(rig.hub.asked) < 5
    assert (await rig.crews.one(launch, crew.id)).version - version <= sum(rig.hub.asked)
