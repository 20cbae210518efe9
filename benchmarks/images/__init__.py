"""Images: from what a builder made to what a node can run, against the bare tools.

Each module's `measure` gives some figures, each a ratio of what was measured in the same run.
"""

from __future__ import annotations

import importlib
from typing import Any

PARTS = ("conversion", "registry", "packages", "content", "start")

AIMS = {
    "convert_over_floor": "at most 1.5",
    "chconvert_over_ours": "at least 10",
    "registry_over_floor": "at most 1.3",
    "pip_over_ours": "at least 4",
    "build_over_uv": "at most 1.3",
    "content_ready_s": "below 1",
}


def run() -> dict[str, Any]:
    """Measure, print the table, return the figures."""
    figures: dict[str, Any] = {}
    for part in PARTS:
        figures |= importlib.import_module(f"{__name__}.{part}").measure()
    figures = {name: round(value, 3) for name, value in figures.items()}
    print(f"\n{'figure':28} {'measured':>10}   aim")
    for name, value in figures.items():
        print(f"{name:28} {value:>10}   {AIMS.get(name, '')}")
    return figures
