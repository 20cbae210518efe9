"""What is free, and when a job would start: the agent, between the hub and Slurm's commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from slurm.agent.conftest import Ask

from hpcbinderhub.slurm.framing import AgentError

# As Slurm 22.05 prints it for FORMAT.
SINFO = """\
gpu|mixed|3/5/0/8|up|gpu:a100:4(S:0-1),gpu:v100:2|gpu:a100:2(IDX:0,3),gpu:v100:0(IDX:N/A)|
gpu|idle|0/8/0/8|up|gpu:a100:4(S:0-1)|gpu:a100:0(IDX:N/A)|
gpu|allocated+drain|2/0/6/8|up|gpu:a100:4(S:0-1)|gpu:a100:1(IDX:0)|
all|idle+cloud+powered_down|0/64/0/64|up|(null)|gpu:0|
all|unknown+not_responding|0/64/0/64|up|(null)|gpu:0|
all|idle+maint+reserved|0/64/0/64|up|(null)|gpu:0|
all|idle+planned|0/64/0/64|up|gpu:2,nvme:1|gpu:1(IDX:0),nvme:0|
old|down|0/0/4/4|inact|gpu:no_consume:2|gpu:0|
"""


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder for the Slurm commands of these tests."""
    folder = tmp_path / "commands"
    folder.mkdir()
    return folder


def command(folder: Path, name: str, script: str) -> list[str]:
    """A command of Slurm's that does this; the path to look for it in."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return [str(folder), "/usr/bin", "/bin"]


def test_nodes_cores_and_gpus_are_counted_by_partition(ask: Ask, commands: Path) -> None:
    path = command(commands, "sinfo", f"cat <<'END'\n{SINFO}END")
    gpu, everything, old = ask("availability", path=path)["partitions"]
    assert gpu == {
        "name": "gpu",
        "state": "up",
        "nodes": 3,
        "idle": 1,
        "down": 1,
        "held": 0,
        "cpus": 24,
        "cpus_free": 13,
        "gpus": {"a100": {"total": 12, "free": 6}, "v100": {"total": 2, "free": 2}},
    }
    # A node that sleeps is woken for a job; one that is planned for another takes short ones.
    assert (everything["nodes"], everything["idle"]) == (4, 2)
    assert (everything["down"], everything["held"]) == (1, 1)
    assert (everything["cpus"], everything["cpus_free"]) == (256, 128)
    assert everything["gpus"] == {"": {"total": 2, "free": 1}}
    assert (old["state"], old["down"], old["cpus_free"]) == ("inact", 1, 0)


def test_the_moment_of_a_start_is_read_in_seconds_and_in_slurms_usual_form(
    ask: Ask, commands: Path
) -> None:
    says = "sbatch: Job 7 to start at {} using 1 processors on nodes n1 in partition gpu"
    path = command(commands, "sbatch", f"cat >/dev/null; echo '{says.format(1795314911)}' >&2")
    assert ask("forecast", path=path, options=["--time=5"])["start"] == 1795314911
    path = command(commands, "sbatch", f"echo '{says.format('2026-11-22T02:35:11')}' >&2")
    answer = ask("forecast", path=path, options=[], env={"TZ": "UTC"})
    assert answer["start"] % 60 == 11


def test_the_options_go_onto_sbatchs_own_command_line(ask: Ask, commands: Path) -> None:
    path = command(commands, "sbatch", 'echo "Job 1 to start at 1 $*" >&2; echo "$*" >&2; exit 1')
    with pytest.raises(AgentError, match="--test-only --partition=gpu --time=5") as refused:
        ask("forecast", path=path, options=["--partition=gpu", "--time=5"])
    assert refused.value.kind == "forecast"


def test_what_slurm_refuses_is_refused_in_its_own_words(ask: Ask, commands: Path) -> None:
    words = "allocation failure: Requested node configuration is not available"
    path = command(commands, "sbatch", f"echo '{words}' >&2; exit 1")
    with pytest.raises(AgentError, match=words):
        ask("forecast", path=path, options=[])
    path = command(commands, "sbatch", "exit 0")
    with pytest.raises(AgentError, match="sbatch said nothing"):
        ask("forecast", path=path, options=[])
