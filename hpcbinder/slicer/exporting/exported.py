"""What an export is: a type and a name for the browser, and bytes that come piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import Refusal
from ..planes.selection import Selection

UNSAFE = re.compile(r"[^\w.-]+")
LONGEST_NAME = 80


@dataclass(frozen=True)
class Export:
    """The pieces are made as they are fetched."""

    type: str
    name: str
    parts: Iterator[bytes]


def file_name(path: str, selection: Selection, ending: str) -> str:
    """The data set's own name, and where in it the plane lies."""
    name = UNSAFE.sub("_", path.rstrip("/").rpartition("/")[2]).strip("._")[-LONGEST_NAME:]
    on_screen = (selection.rows, selection.columns)
    at = "_".join(str(index) for axis, index in enumerate(selection.at) if axis not in on_screen)
    return f"{'_'.join(filter(None, (name or 'data', at)))}.{ending}"


def not_empty(selection: Selection, what: str) -> None:
    """Refuse a picture of nothing."""
    if 0 in selection.shape:
        raise Refusal(
            400,
            f"There is nothing in this part of the data set, and no {what} of nothing.",
            "Choose another part, or NPY, which may be empty.",
            "empty",
        )
