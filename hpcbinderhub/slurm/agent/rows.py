"""What is told of one job, whoever in Slurm said so."""

import re
from typing import NamedTuple

from .basics import Row

NUMBER = re.compile("[0-9]{1,19}\\Z")

Record = NamedTuple("Record", [("number", str), ("array", str), ("tasks", str), ("row", Row)])
"""A line about a job: its number to Slurm, and of which array it is which elements. One that is of
no array is its own."""


def row_of(
    job: str,
    uid: str,
    state: str,
    submitted: str,
    start: str = "",
    end: str = "",
    node: str = "",
    reason: str = "",
    code: str = "",
) -> Row:
    return {
        "id": job,
        "uid": uid,
        "state": state.split(" ")[0],
        "submitted": seconds(submitted),
        "started": seconds(start),
        "ends": seconds(end),
        "node": "" if node in ("n/a", "(null)", "None assigned") else node,
        "reason": reason,
        "exit_code": code,
    }


def seconds(text: str) -> int:
    """A time as Slurm printed it under SLURM_TIME_FORMAT=%s; 0 where there is none."""
    return int(text) if NUMBER.match(text) else 0
