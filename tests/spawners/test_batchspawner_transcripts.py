"""What batchspawner's own tests play for `SlurmSpawner`, played for ours: Slurm's same answers.

They are those of its `run_spawner_script` with Slurm's commands, and, at the end, of its tests of
failures. Each comment that begins with “Theirs” says what batchspawner 1.3 asserts at that step
where we do something else, and which defect that is.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from doubles.slurm_in_words import SlurmInWords
from jupyterhub.spawner import SpawnException

from hpcbinderhub.launches.serverstate import ServerStage

from .rig import PROFILE, SECONDS, Rig, eventually

JOB, NODE = "12345", "userhost123"
NO_CONTROLLER = "slurm_load_jobs error: Unable to contact slurm controller"

Played = tuple[Rig, SlurmInWords]

pytestmark = pytest.mark.slow


@pytest.fixture
def played(rig: Rig, tmp_path: Path) -> Played:
    """A hub, and the programs that it asks."""
    slurm = SlurmInWords(tmp_path / "login", JOB)
    rig.slurm = slurm
    rig.configure(**slurm.site)
    return rig, slurm


async def waiting(rig: Rig, slurm: SlurmInWords) -> asyncio.Task[None]:
    """A start whose job is in the queue: `sbatch` says its number, the queue says PENDING."""
    start = rig.start()
    await eventually(lambda: slurm.asked("sbatch"))
    slurm.queue("PENDING")
    await eventually(lambda: rig.words().startswith("Waiting in the queue."))
    return start


async def silence(rig: Rig, slurm: SlurmInWords) -> None:
    """No controller answers, for longer than one look."""
    slurm.fails("scontrol", NO_CONTROLLER)
    await eventually(lambda: slurm.asked("scontrol"))
    rig.clock.advance(40)
    await eventually(lambda: rig.words().startswith("Slurm has not answered for "))


async def running(rig: Rig, slurm: SlurmInWords) -> None:
    """A server on the node that Slurm names."""
    start = await waiting(rig, slurm)
    slurm.queue("RUNNING", NODE)
    await rig.answer(JOB)
    await asyncio.wait_for(start, SECONDS)


async def looked(slurm: SlurmInWords) -> None:
    """The queue was asked once more from now on."""
    before = len(slurm.asked("scontrol"))
    await eventually(lambda: len(slurm.asked("scontrol")) > before + 1)


async def test_pending_unknown_running_cancelled(played: Played) -> None:
    rig, slurm = played
    # Theirs: 1, a failure, where nothing was ever started. JupyterHub's contract says 0.
    rig.user("alice")._new_orm_spawner("lab", None)
    assert await rig.chooser().poll() == 0
    start = await waiting(rig, slurm)
    await silence(rig, slurm)
    assert not start.done()
    slurm.queue("RUNNING", NODE)
    await rig.answer(JOB)
    await asyncio.wait_for(start, SECONDS)
    # Theirs: the spawner's `ip` is the node, where whoever takes the port over is sent requests.
    # Ours gives the proxy its own forwarder, which knows the one server on that node.
    record = rig.spawner()._held.record
    assert record is not None
    assert (rig.chooser().server.ip, rig.chooser().server.port) == ("127.0.0.1", record.hop_port)
    assert record.url.startswith(f"https://{NODE}:")
    state = rig.spawner().state()
    assert state is not None
    assert (state.job, state.node, state.stage) == (JOB, NODE, ServerStage.RUNNING)
    await looked(slurm)
    assert await rig.chooser().poll() is None

    stop = asyncio.create_task(rig.user("alice").stop("lab"))
    await eventually(lambda: slurm.asked("scancel") == [f"scancel {JOB}"])
    # Theirs: an empty answer of `squeue` is an end. So is one of a controller that has just been
    # started anew, and the job is orphaned. Ours believes whoever names an end.
    slurm.forgets()
    await looked(slurm)
    assert not stop.done()
    slurm.remembers("CANCELLED by 2001")
    rig.clock.advance(600)
    await asyncio.wait_for(stop, SECONDS)
    # Theirs: 1 once more, though the user has stopped it.
    assert await rig.chooser().poll() == 0


async def test_an_end_while_it_starts(played: Played) -> None:
    rig, slurm = played
    start = await waiting(rig, slurm)
    await silence(rig, slurm)
    slurm.forgets()
    await looked(slurm)
    # Theirs: “the job has disappeared”, at the first empty answer; see above.
    assert not start.done()
    slurm.remembers("FAILED")
    rig.clock.advance(600)
    with pytest.raises(SpawnException, match="ended while it waited in the queue"):
        await asyncio.wait_for(start, SECONDS)


async def test_what_a_job_is_asked_for_with(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABCDE", "the hub's own")
    monkeypatch.setenv("SBATCH_TIMELIMIT", "1")
    rig, slurm = played
    time = {"minutes": 4630, "max_minutes": 4630}
    asked_for = {"reservation": "RES123", "cpus": 5, "memory_mb": 5678, "gpus": 2, **time}
    profile = PROFILE | asked_for | {"gpu_type": "GRES123"}
    rig.configure(job_prologue="PROLOGUE", profiles=[profile])
    await waiting(rig, slurm)
    (command,) = slurm.asked("sbatch")
    # Theirs: the same in `#SBATCH` lines, which any SBATCH_* of the user's start files overrides.
    options = ("--cpus-per-task=5", "--mem=5678M", "--reservation=RES123", "--gres=gpu:GRES123:2")
    assert set(command.split(" ")) >= {"--time=4630", *options}
    assert "#SBATCH" not in slurm.script
    assert slurm.script.index("\nPROLOGUE\n") < slurm.script.index("exec ")
    # Theirs: `req_options` is any text as one more `#SBATCH` line. Ours has names of options, and
    # refuses those that would make it another job.
    # Theirs: an epilogue after the server. Ours ends with the server;
    # what has to be done after a job is for the site's own Epilog, which a user cannot end.
    # Theirs: `--export` names the hub's variables and the server's token, which accounting keeps.
    # Ours sends none: the job fetches what it needs.
    assert "--export" not in command
    given = slurm.environment("sbatch")
    for word in ("ABCDE", "SBATCH_TIMELIMIT", "JUPYTERHUB"):
        assert word not in given
        assert word not in slurm.script


async def test_words_that_are_neither_yes_nor_no(played: Played) -> None:
    rig, slurm = played
    await running(rig, slurm)
    slurm.fails("scontrol", "xyz")
    await looked(slurm)
    # Theirs: whatever is not one of two known errors is an end, and the job is forgotten.
    assert await rig.chooser().poll() is None
    rig.clock.advance(60)
    state = rig.spawner().state()
    assert state is not None
    assert (state.job, state.stage) == (JOB, ServerStage.UNKNOWN)


async def test_a_submission_that_says_no_number(played: Played) -> None:
    rig, slurm = played
    slurm.does("sbatch", "cat > /dev/null")
    start = rig.start()
    await eventually(lambda: slurm.asked("sbatch"))
    # Theirs: that there is no job then. Ours looks for one by its name, and cancels it.
    slurm.queue("PENDING")
    await eventually(lambda: slurm.asked("scancel") == [f"scancel {JOB}"])
    slurm.queue("CANCELLED")
    with pytest.raises(SpawnException, match="sbatch did not say which job"):
        await asyncio.wait_for(start, SECONDS)
    assert len(slurm.asked("sbatch")) == 1
