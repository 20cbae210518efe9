"""The table of all runs, and the figures for `--json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import mean
from typing import Any

from .measure import NODES, Run

Runs = Mapping[tuple[str, int], list[Run]]

ROWS: dict[str, Callable[[Run], float]] = {
    "submissions": lambda run: run.times.submissions,
    "call to the last job's id, s": lambda run: run.times.submitted,
    "call to all connected, s": lambda run: run.times.connected,
    "connected then": lambda run: run.times.workers,
    "CPU of the nodes until then, s": lambda run: run.cpu,
    "RPCs from submit to gone": lambda run: run.rpcs,
    "processes left after 2 s": lambda run: run.left,
    "load of the machine": lambda run: run.load,
}

PEERS = ("lean", "default")

# A ratio may be worse the fewer workers share what a node's start costs.
AIMS = {
    "submissions": "1",
    "submit_jobqueue_over_ours_40": "at least 3",
    "submit_jobqueue_over_ours_120": "at least 10",
    "connect_lean_over_ours": "at least 2, at 16: 1.43",
    "connect_default_over_ours": "at least 5, at 16: 3",
    "cpu_lean_over_ours": "at least 5, at 16: 3",
    "rpcs": f"at most {12 + 2 * len(NODES)}",
    "left_processes": "0",
}


def report(runs: Runs, sizes: tuple[int, ...]) -> dict[str, Any]:
    """Of several rounds: their means, and of what must never be the worst."""
    for size in sizes:
        print(
            f"\n{f'{size} workers on {len(NODES)} nodes':32} {'ours':>9} {'lean':>9} {'default':>9}"
        )
        for title, value in ROWS.items():
            means = (mean(map(value, runs[way, size])) for way in ("ours", *PEERS))
            print(f"{title:32} " + " ".join(f"{number:9.2f}" for number in means))
    figures = figures_of(runs, sizes)
    print(f"\n{'figure':32} {'measured':32} aim")
    for name, value in figures.items():
        shown = value if isinstance(value, dict) else {"": value}
        text = ", ".join(
            f"{size}: {number}" if size else f"{number}" for size, number in shown.items()
        )
        print(f"{name:32} {text:32} {AIMS.get(name, '')}")
    return figures


def figures_of(runs: Runs, sizes: tuple[int, ...]) -> dict[str, Any]:
    """By size where a figure has one for each."""

    def over(way: str, value: Callable[[Run], float], size: int) -> float:
        return round(mean(map(value, runs[way, size])) / mean(map(value, runs["ours", size])), 2)

    def by_size(way: str, value: Callable[[Run], float]) -> dict[str, float]:
        return {str(size): over(way, value, size) for size in sizes}

    def worst(value: Callable[[Run], int]) -> dict[str, int]:
        return {str(size): max(map(value, runs["ours", size])) for size in sizes}

    return {
        "submissions": max(worst(lambda run: run.times.submissions).values()),
        **{
            # Both kinds submit in the same way, and the leanest is the harder peer.
            f"submit_jobqueue_over_ours_{size}": over("lean", _submitted, size)
            for size in sizes
            if size >= 40
        },
        "connect_lean_over_ours": by_size("lean", _connected),
        "connect_default_over_ours": by_size("default", _connected),
        "cpu_lean_over_ours": by_size("lean", lambda run: run.cpu),
        "rpcs": worst(lambda run: run.rpcs),
        "left_processes": worst(lambda run: run.left),
    }


def _submitted(run: Run) -> float:
    return run.times.submitted


def _connected(run: Run) -> float:
    return run.times.connected
