"""A server's times: what its job is told at the claim, and what it asks and says later."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from doubles.slurm_in_memory import CLAIMANT

from hpcbinderhub.errors import NotAllowed, UserError

from .rig import Rig

HELPER = """
import json, sys
asked = json.load(sys.stdin)
open({heard!r}, "w").write(json.dumps(asked))
if asked["minutes"] > 30:
    sys.exit("A job of yours may run for eight hours at most.")
"""


async def claimed(rig: Rig, **values: Any) -> dict[str, Any]:
    """What a job that has just begun to run gets for its ticket."""
    rig.start("alice", **values)
    (job,) = await rig.submitted()
    rig.slurm.run(job, minutes=60)
    await rig.looked()
    return await rig.spawner().claim(rig.slurm.ticket(job), job, CLAIMANT)


def token(rig: Rig) -> str:
    return rig.spawner().handed_out_token


async def test_a_job_learns_how_long_it_may_run(rig: Rig) -> None:
    rig.profile(idle_minutes=45, warn_seconds=90)
    session = (await claimed(rig))["session"]
    assert 3590 < session.pop("left") <= 3601
    assert session.pop("url").endswith("/api/hpcbinderhub/jobs/alice/lab/session")
    assert session.pop("page").endswith("/services/binder/mine")
    # Minutes alone are no offer: the site has no helper.
    assert session == {"warn_seconds": 90, "idle_minutes": 45, "extend_minutes": 0}


async def test_slurm_is_to_say_when_the_end_is_near(rig: Rig) -> None:
    rig.profile(warn_seconds=90)
    rig.start("alice")
    (job,) = await rig.submitted()
    assert "--signal=B:USR1@90" in rig.slurm.options(job)


@pytest.mark.parametrize("ahead", [-300, 300])
async def test_slurms_clock_may_be_another_than_ours(rig: Rig, ahead: int) -> None:
    rig.slurm.ahead = ahead
    assert 3590 < (await claimed(rig))["session"]["left"] <= 3601


async def test_an_operators_change_is_told_when_the_server_asks(rig: Rig) -> None:
    job = await rig.ready()
    rig.slurm.run(job, minutes=180)
    await rig.looked()
    left = await rig.spawner().time_left(token(rig))
    assert left is not None
    assert 10_700 < left <= 10_801


async def test_only_the_server_itself_is_told(rig: Rig) -> None:
    await rig.ready()
    spawner = rig.spawner()
    for call in (
        spawner.time_left("x"),
        spawner.report_unused("x"),
        spawner.extend("x", 1),
    ):
        with pytest.raises(NotAllowed, match="not the token"):
            await call


async def test_a_server_in_which_nothing_ran_says_so_before_it_ends(rig: Rig) -> None:
    rig.profile(idle_minutes=45)
    await rig.ready()
    await rig.spawner().report_unused(token(rig))
    state = rig.spawner().get_state()["job"]
    assert state["ending"] == "The server stopped because nothing ran in it for 45 minutes."


async def test_a_server_asks_on_after_a_restart_of_the_hub(rig: Rig) -> None:
    rig.profile(idle_minutes=45)
    await rig.ready()
    old = token(rig)
    await rig.restart()
    rig.spawner()
    await rig.looked()
    left = await rig.spawner().time_left(old)
    assert left is not None
    assert left > 3500


async def test_without_a_helper_of_the_sites_nobody_gets_more_time(rig: Rig) -> None:
    rig.profile(extend_minutes=30)
    await rig.ready()
    with pytest.raises(NotAllowed, match="cannot be extended"):
        await rig.spawner().extend(token(rig), 30)


async def test_the_sites_helper_decides(rig: Rig, tmp_path: Path) -> None:
    heard = tmp_path / "heard.json"
    command = [sys.executable, "-c", HELPER.format(heard=str(heard))]
    rig.configure(extend_command=command)
    rig.profile(extend_minutes=60)
    job = await rig.ready()
    rig.slurm.run(job, minutes=90)
    left = await rig.spawner().extend(token(rig), 30)
    assert left is not None
    assert left > 5300
    assert heard.read_text() == f'{{"user": "alice", "job": "{job}", "minutes": 30}}'

    with pytest.raises(UserError) as refused:
        await rig.spawner().extend(token(rig), 60)
    assert refused.value.detail == "A job of yours may run for eight hours at most."
    with pytest.raises(NotAllowed, match="cannot be extended by so much"):
        await rig.spawner().extend(token(rig), 61)
