"""From a builder's mounted storage to an artefact in the store: 1.1 GB and 50,000 files.

The floor is bare mksquashfs of the same mounted tree and a bare copy into the store; beside it,
Charliecloud's own `ch-convert`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from .tree import WHOLE

PROJECT = Path(__file__).resolve().parents[2]
ROUNDS = 5


def measure(tree: tuple[int, int] = WHOLE, rounds: int = ROUNDS) -> dict[str, float]:
    """`convert_over_floor` and `chconvert_over_ours`."""
    seconds = {name: statistics.mean(times) for name, times in _turns(tree, rounds).items()}
    print(f"\n{'from a mounted tree':28} seconds")
    for name, mean in seconds.items():
        print(f"  {name:26} {mean:7.2f}")
    ours = seconds["ours"]
    figures = {"convert_over_floor": ours / (seconds["bare mksquashfs"] + seconds["bare copy"])}
    if "ch-convert -o squash" in seconds:
        figures["chconvert_over_ours"] = seconds["ch-convert -o squash"] / ours
    return {name: round(value, 3) for name, value in figures.items()}


def _turns(tree: tuple[int, int], rounds: int) -> dict[str, list[float]]:
    """The seconds of each way, measured where builds work: in a user namespace, unless by root."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="bench-") as scratch:
        storage = {name: f"{scratch}/{name}" for name in ("graphroot", "runroot", "tmp")}
        for folder in (*storage.values(), f"{scratch}/store"):
            Path(folder).mkdir()
        request = {"storage": storage, "store": f"{scratch}/store", "tree": tree, "rounds": rounds}
        inside = ["buildah", "unshare"] if os.getuid() else []
        try:
            done = subprocess.run(
                [*inside, sys.executable, "-m", "benchmarks.images.mounted", json.dumps(request)],
                cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
        finally:
            # Some of it belongs to the account's subordinate users.
            subprocess.run([*inside, "rm", "-rf", *storage.values()], check=True)
    figures: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return figures
