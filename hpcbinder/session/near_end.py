"""Slurm's word that the end is near, for which the job's script makes a directory.

Not as a signal: some engines keep a process of their own above the server, which passes none on.
"""

from __future__ import annotations

import os

SIGN = "end-is-near"
"""In the launch's directory. The hub's side has the same name in `slurm/script.py`."""
VARIABLE = "HPCBINDER_END_SIGN"


def taken(path: str) -> bool:
    """Whether it has come since this was last asked."""
    try:
        os.rmdir(path)
    except OSError:
        return False
    return True
