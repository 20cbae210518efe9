"""`hpcbinder node`: from a ticket that all nodes of a batch share to workers that are connected."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from compute_node import PROJECT, SYSTEM_PATH, TICKET, Hub, Node
from launched import Crew, alive, until

from hpcbinder.node.processes import children

ARRAY = {"SLURM_JOB_ID": "130", "SLURM_ARRAY_JOB_ID": "123", "SLURM_ARRAY_TASK_ID": "4"}


class Start:
    """One element of a batch, as its script runs it."""

    def __init__(self, node: Node, directory: Path) -> None:
        self.node = node
        self.directory = directory
        self.scratch = directory / "scratch"
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.output = directory / "job.log"
        node.python = sys.executable
        claim = directory / "claim.json"
        url = f"{node.hub.url}/claim"
        claim.write_text(json.dumps({"claim_url": url, "ticket": TICKET, "ca": node.hub.ca}))
        claim.chmod(0o600)

    def begin(self, job: Mapping[str, str] = ARRAY) -> subprocess.Popen[bytes]:
        image = str(self.node.describe_image())
        start = ["-m", "hpcbinder", "node", "--launch", str(self.directory), "--image", image]
        environment = {"PATH": SYSTEM_PATH, "USER": "ada", "TMPDIR": str(self.scratch), **job}
        with self.output.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *start], cwd=PROJECT, env=environment, stdout=log, stderr=log
            )

    @property
    def log(self) -> str:
        text = self.output.read_text()
        assert TICKET not in text
        return text

    def grant(self, crew: Crew, **changes: Any) -> dict[str, Any]:
        return crew.prepared("123_4", **changes).grant


@pytest.fixture
def start(node: Node, tmp_path: Path) -> Start:
    return Start(node, tmp_path / "batch")


async def test_a_node_waits_until_it_may_and_then_its_workers_connect(
    start: Start, hub: Hub, crew: Crew
) -> None:
    grant = start.grant(crew, env={"SOUNDINGS": "deep"})
    hub.replies["/claim"] = [(503, {}), (503, {}), (200, grant)]
    process = start.begin()
    await until(lambda: len(crew.workers()) == 2, 120, lambda: start.log)

    claimants = {request.body["claimant"] for request in hub.requests}
    assert len(claimants) == 1
    assert re.fullmatch("[0-9a-f]{32}", claimants.pop())
    for request in hub.requests:
        del request.body["claimant"]
        assert request.body == {"ticket": TICKET, "job": "123", "task": "4"}
    # The other nodes of the batch come with the same ticket.
    assert (start.directory / "claim.json").exists()

    found = (await crew.client.run(lambda: dict(os.environ)))[next(iter(crew.scheduler.workers))]
    assert found["SOUNDINGS"] == "deep"
    assert found["HOME"] == grant["home"]
    assert found["LANG"] == "C.UTF-8"
    assert found["OMP_NUM_THREADS"] == "1"
    assert found["HPCBINDER_WORKSPACE"] == grant["workspace"]
    assert found["SLURM_ARRAY_TASK_ID"] == "4"
    assert TICKET not in str(found)
    assert found["SSL_CERT_FILE"] in [str(path) for path in start.scratch.rglob("*.pem")]

    # The engine's process has become the launcher, and signals reach it.
    process.terminate()
    await until(lambda: process.poll() is not None)
    assert process.returncode == 0
    assert list(start.scratch.iterdir()) == []
    phases = re.findall(r"^\S+ hpcbinder: (\w+): [A-Z].*\.$", start.log, re.M)
    assert phases == ["start", "claim", "claim", "node", "node"]


async def test_what_the_images_login_shell_says_is_there_when_python_starts(
    start: Start, hub: Hub, crew: Crew
) -> None:
    profile = start.node.program(
        "bash", "#!/bin/sh\nexport PYTHONHASHSEED=7 TIDES=high\nenv -0 > $4\n"
    )
    assert profile.exists()
    hub.replies["/claim"] = [(200, start.grant(crew))]
    process = start.begin()
    await until(lambda: len(crew.workers()) == 2, 120, lambda: start.log)
    seeds = await crew.client.run(lambda: (os.environ["TIDES"], hash("tides")))
    assert set(seeds.values()) == {("high", _hash_with_seed("7"))}
    process.terminate()
    await until(lambda: process.poll() is not None)


def _hash_with_seed(seed: str) -> int:
    program = [sys.executable, "-c", "print(hash('tides'))"]
    return int(subprocess.check_output(program, env={"PYTHONHASHSEED": seed}))


async def test_one_node_of_a_job_with_several_says_which(
    start: Start, hub: Hub, crew: Crew
) -> None:
    hub.replies["/claim"] = [(200, start.grant(crew))]
    process = start.begin({"SLURM_JOB_ID": "123", "SLURM_PROCID": "2"})
    await until(lambda: len(crew.workers()) == 2, 120, lambda: start.log)
    assert hub.requests[0].body["job"] == "123"
    assert hub.requests[0].body["task"] == "2"
    # What Slurm says of this node alone.
    process.kill()
    await until(lambda: process.poll() is not None)


async def test_the_sign_of_slurms_signal_is_this_nodes_own(
    start: Start, hub: Hub, crew: Crew
) -> None:
    hub.replies["/claim"] = [(200, start.grant(crew))]
    # Left by a run that was put back into the queue.
    (start.directory / "end-is-near-4").mkdir()
    process = start.begin()
    await until(lambda: len(crew.workers()) == 2, 120, lambda: start.log)
    assert "time is near" not in start.log
    (start.directory / "end-is-near-5").mkdir()
    (start.directory / "end-is-near-4").mkdir()
    await until(lambda: process.poll() is not None)
    assert process.returncode == 0
    assert (start.directory / "end-is-near-5").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        (409, "Another run has claimed this node.", 3),
        (410, "These workers were closed.", 4),
        (403, "This ticket is not for this job.", 4),
    ],
)
def test_a_node_that_may_not_ends_and_says_why(
    start: Start, hub: Hub, status: int, words: str, code: int
) -> None:
    hub.replies["/claim"] = [(status, {"message": words})]
    assert start.begin().wait(120) == code
    assert f"hpcbinder: claim: The hub refused: {words}" in start.log
    assert list(start.scratch.iterdir()) == []


@pytest.mark.slow
async def test_a_node_that_is_stopped_while_it_waits_claims_no_more(start: Start, hub: Hub) -> None:
    hub.replies["/claim"] = [(503, {})]
    process = start.begin()
    await until(lambda: "Trying again" in start.log)
    (claimer,) = children(process.pid)
    process.terminate()
    await until(lambda: process.poll() is not None and not alive(claimer))
    assert list(start.scratch.iterdir()) == []


@pytest.mark.slow
def test_an_environment_without_dask_says_so(start: Start) -> None:
    start.node.lacks["workers"] = "tornado 5 is too old"
    assert start.begin().wait(120) == 2
    assert "This environment cannot have Dask workers (tornado 5 is too old)." in start.log


@pytest.mark.slow
def test_a_batch_that_is_over_says_so(start: Start) -> None:
    (start.directory / "claim.json").unlink()
    assert start.begin().wait(120) == 3
    assert "these workers were closed" in start.log
