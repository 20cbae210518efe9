"""The geophysics example on our workers, against a bare pool of processes on the same cores.

All ways stand side by side in one process of the example's own environment, and invert the same
soundings turn by turn, so that what else the machine does slows each of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "share/examples/geophysics"
SOUNDINGS = 1000
ROUNDS = 10
"""Each inverts its share of the soundings, in every way."""

# What a round took, in seconds, by way and number of processes: `ours_1`, `pool_2`.
Round = Mapping[str, float]

# One thread for each process, whoever starts it.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run(soundings: int = SOUNDINGS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure, print the table, return the figures."""
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        python = installed(Path(folder))
        taken = measured(python, {"soundings": soundings, "rounds": rounds, "cores": cores})
    for name in taken[0]:
        print(f"{name:8} {median(one[name] for one in taken):8.2f} s a round")
    figures = figures_of(taken, cores)
    for name, value in figures.items():
        print(f"{name:18} {value}")
    return figures


def installed(folder: Path) -> Path:
    """The Python of an environment with what the example asks for."""
    uv = Path(sys.executable).with_name("uv")
    python = folder / "bin/python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    subprocess.run([*install, "--requirements", EXAMPLE / "requirements.txt"], check=True)
    return python


def measured(python: Path, task: Mapping[str, int]) -> list[Round]:
    """Every round, as it is over."""
    # Our part of an image needs nothing but the standard library and Dask, so it is used in place.
    path = os.pathsep.join(str(part) for part in (EXAMPLE, ROOT, ROOT / "tests"))
    env = {**os.environ, "PYTHONPATH": path, **dict.fromkeys(THREADS, "1")}
    program = Path(__file__).with_name("ways.py")
    taken = []
    with subprocess.Popen(
        [python, program, json.dumps(task)], env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            taken.append(json.loads(line))
            print("  ".join(f"{k} {v:.2f} s" for k, v in taken[-1].items()), flush=True)
    assert process.returncode == 0, "the ways could not be measured: see above"
    return taken


def figures_of(taken: Sequence[Round], cores: int) -> dict[str, float]:
    """Medians of what each round says by itself."""

    def speedup(one: Round, way: str) -> float:
        return one[f"{way}_1"] / one[f"{way}_{cores}"]

    each = {
        "speedup_ours": [speedup(one, "ours") for one in taken],
        "speedup_pool": [speedup(one, "pool") for one in taken],
        "speedup_over_pool": [speedup(one, "ours") / speedup(one, "pool") for one in taken],
        # A slow single worker would make the others look fast.
        "pool_over_ours": [one[f"pool_{cores}"] / one[f"ours_{cores}"] for one in taken],
    }
    return {name: round(median(values), 2) for name, values in each.items()}
