"""Rows in columns, and how figures are written in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as what is in them."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def moment(at: float | None, never: str = "never") -> str:
    """A time of day, on the clock of whoever reads."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M") if at else never


def span(seconds: float | None) -> str:
    """How long something took."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
