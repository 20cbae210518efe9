"""From a builder's mounted storage to an artefact in the store: 1.1 GB and 50,000 files.

The floor is bare mksquashfs of the same mounted tree and a bare copy into the store; beside it,
Charliecloud's own `ch-convert`.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.builds.conftest import Builder, builder_account, prepared

ROUNDS = 5


def measure() -> dict[str, float]:
    """`convert_over_floor` and `chconvert_over_ours`."""
    with _builder() as builder:
        container = builder.buildah("from", "scratch")
        request = {"storage": builder.storage, "container": container, "rounds": ROUNDS,
                   "store": str(builder.artefacts)}  # fmt: skip
        inside = ("buildah", "unshare", sys.executable, "-m", "benchmarks.images.mounted")
        done = builder.run(*inside, json.dumps(request))
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
    seconds = {name: statistics.mean(times) for name, times in json.loads(done.stdout).items()}
    print(f"\n{'from a mounted tree':28} seconds")
    for name, mean in seconds.items():
        print(f"  {name:26} {mean:7.2f}")
    ours = seconds["ours"]
    return {
        "convert_over_floor": round(ours / (seconds["bare mksquashfs"] + seconds["bare copy"]), 3),
        "chconvert_over_ours": round(seconds["ch-convert -o squash"] / ours, 2),
    }


@contextmanager
def _builder() -> Iterator[Builder]:
    """An account's storage of its own, on a disk and not in memory."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="bench-") as scratch:
        folder = Path(scratch, "builder")
        account = builder_account()
        if os.getuid() == 0:
            shutil.chown(scratch, account)
        os.environ["HPCBINDER_TEST_BUILDER_DIR"] = str(folder)
        builder = prepared(account)
        try:
            yield builder
        finally:
            # Some of it belongs to the account's subordinate users.
            builder.run("buildah", "unshare", "rm", "-rf", *builder.storage.values())
