"""The slicer against jupyterlab-h5web's server, h5grove, h5py itself and the floor, in one run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import crowd, cubes, environment, figures, huge, opening, servers
from .cubes import FULL, QUICK, Sizes, Stored
from .dragging import Series, check, compared, random, sequential
from .pacing import Paced, paced
from .ways import Drag, running

KINDS = {"sequential": sequential, "random": random}


def run(quick: bool = False, folder: str = "", only: str = "") -> dict[str, Any]:
    """Measure, print the table, return the figures.

    A folder keeps data and environment for the next run; `quick` is for a look at small data, and
    `only` for some of the parts: drags, pace, opening, status, memory; and browser, which needs
    Chromium and is not measured unless it is named.
    """
    sizes = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(folder or temporary).resolve()
        python = environment.installed(place / "environment")
        print(environment.versions(python), flush=True)
        data = cubes.stored(place / "data", sizes)
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "drags": lambda: compared_ways(python, data, sizes),
            "pace": lambda: at_sixty(python, data, sizes),
            "opening": lambda: first_picture(python, data["large"]),
            "status": lambda: status(python, data["gzip"], sizes),
            "memory": lambda: memory(python, place / "huge", sizes),
        }
        found: dict[str, Any] = {}
        for name in only.split(",") if only else parts:
            part = in_browser(python, data["gzip"], sizes) if name == "browser" else parts[name]()
            found |= part
            for figure, value in part.items():
                print(f"{figure:32} {value}", flush=True)
    return found


def in_browser(python: Path, data: Stored, sizes: Sizes) -> dict[str, Any]:
    """What somebody sees of it, rather than what comes over HTTP."""
    # Playwright is there for tests alone.
    from . import browser

    return browser.figures(python, data, sizes)


def compared_ways(python: Path, data: Mapping[str, Stored], sizes: Sizes) -> dict[str, Any]:
    """Both kinds of hands on every axis of every layout."""
    taken: dict[str, dict[str, list[Series]]] = {}
    with running(python, data["gzip"].path.parent) as ports:
        for layout, one in data.items():
            ways = ports.ways(one)
            check(ways, one)
            for kind, places in KINDS.items():
                series = [compared(ways, places(one, axis, sizes.slices)) for axis in range(3)]
                taken.setdefault(kind, {})[layout] = series
                for axis, by_way in zip(figures.AXES, series, strict=True):
                    medians = (f"{way} {one.ms:.2f}" for way, one in by_way.items())
                    print(f"{layout} {axis} {kind:12}", *medians, flush=True)
    return figures.of_drags(taken["sequential"], taken["random"])


def at_sixty(python: Path, data: Mapping[str, Stored], sizes: Sizes) -> dict[str, Any]:
    """One hand that slides at the screen's own rate, on a server that nobody used before."""
    taken: dict[str, dict[str, Paced]] = {}
    with servers.jupyter(python, data["gzip"].path.parent, servers.OURS) as server:
        for layout, one in data.items():
            for axis, name in enumerate(figures.AXES):
                run = paced(Drag(server.port, one), sequential(one, axis, sizes.paced))
                print(f"{layout} {name} late {run.late_pct:.1f} %", end=" ")
                print(f"worst {run.worst_ms:.1f} ms", flush=True)
                taken.setdefault(layout, {})[name] = run
    large = taken.pop("large")
    others = [run for runs in taken.values() for run in runs.values()]
    return {
        "late_frames_pct_max": round(max(run.late_pct for run in others), 2),
        "worst_frame_ms": round(max(run.worst_ms for run in others), 1),
        "late_frames_pct_large": {name: round(run.late_pct, 1) for name, run in large.items()},
    }


def first_picture(python: Path, data: Stored) -> dict[str, Any]:
    """From a double-click on."""
    return {"first_picture_ms": round(opening.first_picture_ms(python, data), 1)}


def status(python: Path, data: Stored, sizes: Sizes) -> dict[str, Any]:
    """Whether the server still answers others: ours, h5web's, and one that does nothing else."""
    found = {}
    for suffix, extension, client in (
        ("", servers.OURS, crowd.dragging),
        ("_h5web", servers.H5WEB, crowd.h5web),
        ("_floor", servers.OURS, None),
    ):
        with servers.jupyter(python, data.path.parent, extension) as server:
            taken = crowd.status_seconds(server.port, data, client, sizes.crowd_seconds)
        found[f"status_p99_ms{suffix}"] = round(1000 * figures.percentile(taken, 0.99), 1)
    return found


def memory(python: Path, folder: Path, sizes: Sizes) -> dict[str, Any]:
    """What the server holds of something that no memory could."""
    data = huge.stored(folder, sizes.huge)
    return {"huge_rss_mb": round(huge.scrubbed_mb(python, data, sizes.slices // 20 or 1))}
