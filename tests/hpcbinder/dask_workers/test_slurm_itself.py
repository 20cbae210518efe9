"""Workers where there is no hub: the user's own `sbatch` starts them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles import slurm_here
from waiting import until

from hpcbinder.workers import Workers
from hpcbinder.workers.batch import crew_of, with_rows
from hpcbinder.workers.crew import Node
from hpcbinder.workers.errors import WorkersError
from hpcbinder.workers.slurm import SlurmCrews

pytestmark = pytest.mark.slow


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "slurm"
    programs = slurm_here.install(folder)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("SBATCH_PARTITION", "elsewhere")
    monkeypatch.delenv("HPCBINDER_CREWS_URL", raising=False)
    monkeypatch.delenv("HPCBINDER_WORKERS_FOLDER", raising=False)
    yield folder
    for job in slurm_here.jobs(folder).values():
        if slurm_here.living(job):
            os.killpg(job["pid"], 9)


def test_an_array_of_ones_own(slurm: Path, tmp_path: Path) -> None:
    with Workers(3, name="own", cpus=2, memory="1 GB", minutes=10, partition="batch") as workers:
        workers.wait(timeout=60)
        assert workers.client().submit(pow, 2, 5).result() == 32
        jobs = slurm_here.jobs(slurm)
        assert list(jobs) == ["100_0", "100_1"]
        options = jobs["100_0"]["options"]
        assert {"--array=0-1", "--cpus-per-task=2", "--mem=1024M", "--time=10"} <= set(options)
        assert "--partition=batch" in options
        # Nothing secret is in what Slurm records.
        key = workers._keys.key.splitlines()[1]
        assert key not in (slurm / "script-100").read_text() + " ".join(options)
        (folder,) = (tmp_path / "state/hpcbinder/crews").iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.glob("*.json")} == {0o600}
        workers.scale(2)
        until(lambda: len(workers.scheduler_info["workers"]) == 2)
        assert [name for name, job in slurm_here.jobs(slurm).items() if slurm_here.living(job)] == [
            "100_0"
        ]
    until(lambda: not any(map(slurm_here.living, slurm_here.jobs(slurm).values())))
    assert not folder.exists()


def test_what_waits_says_why_and_when(slurm: Path) -> None:
    slurm_here.hold(slurm)
    with Workers(4, name="own", cpus=2) as workers:
        until(lambda: "pending (Slurm says: Priority), expected at Tue 01 Jan" in repr(workers))
        workers.scale(2)
        assert [job["state"] for job in slurm_here.jobs(slurm).values()] == ["PENDING", "CANCELLED"]


def test_its_refusal_is_shown(slurm: Path) -> None:
    slurm_here.refuse(slurm, "sbatch: error: QOSMaxSubmitJobPerUserLimit")
    with pytest.raises(WorkersError, match="QOSMaxSubmitJobPerUserLimit"):
        Workers(4, name="own", cpus=2)
    assert repr(Workers.list()) == "no workers"


def test_how_large_a_node_is_has_to_be_said(slurm: Path) -> None:
    with pytest.raises(WorkersError, match="how many CPUs a node shall have"):
        Workers(4)
    with pytest.raises(WorkersError, match="no nodelist without a hub"):
        Workers(4, cpus=2, nodelist="c1")


async def test_a_look_while_more_is_submitted_forgets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, answered = asyncio.Event(), asyncio.Event()
    numbers = iter((100, 101))

    async def slurm(program: str, *_: str, text: str = "") -> str:
        if program == "sbatch":
            return f"{next(numbers)}\n"
        if looking.is_set():
            return "100|0|PENDING||N/A|N/A|None\n"
        looking.set()
        await answered.wait()
        return "100|0|RUNNING|c1|N/A|N/A|None\n"

    crews = SlurmCrews(tmp_path)
    crew, _ = await crews.create({"name": "own", "workers": 2, "cpus": 2})
    monkeypatch.setattr("hpcbinder.workers.slurm._slurm", slurm)
    looking.set()
    await crews.change(crew.id, scheduler="tls://c1:1")
    looking.clear()
    look = asyncio.ensure_future(crews.state(crew.id, 0, 0))
    await looking.wait()
    more = asyncio.ensure_future(crews.change(crew.id, workers=4))
    await asyncio.wait({more}, timeout=0.2)
    answered.set()
    await asyncio.gather(look, more)
    assert [node.id for node in (await crews.state(crew.id, 0, 0)).nodes] == ["100_0", "101_0"]


def test_what_the_queue_no_longer_names_has_ended() -> None:
    crew = crew_of({"name": "x", "cpus": 2}, "id", 0)
    nodes = Node("7_0", "running"), Node("7_1", "pending"), Node("7_2", "pending")
    seen = with_rows(
        type(crew)(**{**crew.__dict__, "nodes": nodes}),
        "7|1|RUNNING|c4|2026-01-01T10:00:00|2026-01-01T11:00:00|None\n"
        "7|2|PENDING||N/A|N/A|QOSMaxCpuPerUserLimit\n",
    )
    assert [(node.state, node.lost, node.node) for node in seen.nodes] == [
        ("ended", True, ""),
        ("running", False, "c4"),
        ("pending", False, ""),
    ]
    assert seen.nodes[2].words == "Slurm says: QOSMaxCpuPerUserLimit"
