"""Logs of builders' jobs, as the service keeps them."""

from __future__ import annotations

import os
from pathlib import Path

from hpcbinderhub.builds.jobs.logs import KEPT, keep_log


def test_the_newest_stay(tmp_path: Path) -> None:
    for number in range(KEPT + 3):
        path = keep_log(tmp_path, str(number), f"This was job {number}.\n")
        os.utime(path, (number, number))
    left = {int(path.stem) for path in path.parent.iterdir()}
    # The oldest of those that were there went with each that came.
    assert left == set(range(3, KEPT + 3))
    assert path.read_text() == f"This was job {KEPT + 2}.\n"
