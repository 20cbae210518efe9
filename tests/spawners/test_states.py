"""What is known of a user's servers, as the service hears it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

from hpcbinderhub.spawners.status import ends_of, states_of

from hpcbinderhub.launches.serverstate import ServerStage, ServerState, state_from

from .rig import Rig, eventually


def only_state(rig: Rig) -> ServerState:
    """Of Alice's one server, after its way through JSON."""
    (state,) = states_of(rig.user("alice"))
    return state_from(json.loads(json.dumps(asdict(state))))


async def test_a_server_from_its_request_to_its_end(rig: Rig) -> None:
    rig.slurm.sbatch.clear()
    start = rig.start("alice")
    await eventually(lambda: rig.slurm.submitting)
    assert only_state(rig).stage is ServerStage.PREPARING
    rig.slurm.sbatch.set()
    (job,) = await rig.submitted()
    soon = int(time.time()) + 600
    rig.slurm.change(job, "PENDING", started=soon, ahead=2)
    await rig.looked()
    state = only_state(rig)
    assert (state.stage, state.name, state.job) == (ServerStage.PENDING, "lab", job)
    assert (state.expected_start, state.ahead) == (soon, 2)
    assert state.age < 60
    rig.slurm.run(job)
    await rig.looked()
    state = only_state(rig)
    assert (state.stage, state.words) == (ServerStage.STARTING, "Starting on 127.0.0.1.")
    await rig.answer(job)
    await start
    state = only_state(rig)
    assert state.stage is ServerStage.RUNNING
    assert state.node == "127.0.0.1"
    assert abs(state.ends - time.time() - 3600) < 60
    await rig.user("alice").stop("lab")
    assert states_of(rig.user("alice")) == []
    (end,) = ends_of(rig.user("alice"))
    assert (end.stage, end.words) == (ServerStage.ENDED, "The server was stopped from the hub.")


async def test_a_server_that_waited_is_known_after_a_restart(rig: Rig) -> None:
    rig.start("alice")
    await rig.submitted()
    await rig.restart()
    assert [state.name for state in states_of(rig.user("alice"))] == ["lab"]
    await rig.looked()
    assert only_state(rig).stage is ServerStage.PENDING
