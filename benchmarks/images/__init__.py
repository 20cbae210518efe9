"""Images: from what a builder made to what a node can run, against the bare tools.

Each module's `measure` gives some figures, each a ratio of what was measured in the same run.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

PARTS = ("conversion", "registry", "packages", "content", "start")


def run() -> dict[str, Any]:
    """Measure, print the table, return the figures."""
    figures: dict[str, Any] = {}
    for part in PARTS:
        name = f"{__name__}.{part}"
        if importlib.util.find_spec(name):
            figures |= importlib.import_module(name).measure()
    print(f"\n{'figure':28} {'measured':>10}")
    for name, value in figures.items():
        print(f"{name:28} {value:>10}")
    return figures
