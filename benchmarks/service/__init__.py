"""The build service under load, against the bare parts that it is made of.

A real JupyterHub with its real proxy, and the service in a process of its own; builds and servers
are simulated, everything between them is not. Beside each figure stands its floor: the same
traffic through the same proxy to plain Tornado handlers in the same process, or a bare SQLite.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from . import claims, events, pages, replay
from .stage import Stage


def run() -> dict[str, Any]:
    """Measure, print the table, return the figures."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        figures = asyncio.run(_measure(Path(scratch)))
    print(f"\n{'figure':22} {'measured':>10} {'bare':>10}")
    for name, value in figures.items():
        if not name.endswith("_floor"):
            print(f"{name:22} {value:>10} {figures.get(f'{name}_floor', ''):>10}")
    return figures


async def _measure(scratch: Path) -> dict[str, Any]:
    figures: dict[str, Any] = await claims.measure(scratch)
    with Stage(scratch) as stage:
        figures |= await events.measure(stage)
        figures |= await pages.measure(stage)
        figures |= await replay.measure(stage)
    return figures
