"""The slicer's benchmark: its data, its arithmetic, and a look at small data with real servers."""

from __future__ import annotations

import importlib
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def slicer() -> ModuleType:
    # Last on the path, since the project's folders are not its packages.
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    for part in ("cubes", "dragging", "figures", "huge", "pacing"):
        importlib.import_module(f"benchmarks.slicer.{part}")
    return sys.modules["benchmarks.slicer"]


def test_every_layout_holds_the_same_field(slicer: Any, tmp_path: Path) -> None:
    data = slicer.cubes.stored(tmp_path, slicer.QUICK)
    fields = {layout: h5py.File(one.path)[slicer.cubes.DATASET] for layout, one in data.items()}
    assert {layout: (field.chunks, field.compression) for layout, field in fields.items()} == {
        "contiguous": (None, None),
        "gzip": ((16, 16, 16), "gzip"),
        "plain": ((16, 16, 16), None),
        "plane": ((1, 64, 64), None),
        "large": ((16, 16, 16), "gzip"),
    }
    cube = fields["contiguous"][:]
    for layout in ("gzip", "plain", "plane"):
        assert np.array_equal(fields[layout], cube)
    # Colours span more than the values, and no value stands on the edge of it.
    low, high = slicer.cubes.DOMAIN
    assert low < cube.min() < cube.max() < high


def test_an_earlier_run_leaves_its_data(slicer: Any, tmp_path: Path) -> None:
    before = slicer.cubes.stored(tmp_path, slicer.QUICK)["gzip"].path.stat().st_mtime_ns
    assert slicer.cubes.stored(tmp_path, slicer.QUICK)["gzip"].path.stat().st_mtime_ns == before


def test_two_hundred_gigabytes_take_no_space(slicer: Any, tmp_path: Path) -> None:
    data = slicer.huge.stored(tmp_path, slicer.FULL.huge)
    with h5py.File(data.path) as file:
        assert file[slicer.cubes.DATASET].nbytes > 200e9
        assert file[slicer.cubes.DATASET][400, :2, :2].tolist() == [[0, 0], [0, 0]]
    assert sum(path.stat().st_blocks * 512 for path in tmp_path.iterdir()) < 2e6


def test_figures_are_ratios_of_medians(slicer: Any) -> None:
    def series(ours: list[float], h5web: list[float]) -> dict[str, Any]:
        taken = slicer.dragging.Taken
        return {"ours": taken(ours, [100, 120]), "h5web": taken(h5web, [1000, 1000])}

    # The second axis once waited for a disk.
    axes = [
        series([0.1, 0.1, 0.1], [1.0, 1.0, 1.0]),
        series([0.1, 9.0, 0.1], [2.0] * 3),
        series([0.2] * 3, [1.0, 1.2, 9.0]),
    ]
    layouts = dict.fromkeys(("contiguous", "gzip", "plain", "plane", "large"), axes)
    assert slicer.figures.of_drags(layouts, layouts) == {
        "seq_gzip_h5web_over_ours_min": 6,
        "seq_plain_h5web_over_ours_min": 6,
        "seq_plane_h5web_over_ours": {"x": 10, "y": 20, "z": 6},
        "seq_contiguous_h5web_over_ours": {"x": 10, "y": 20, "z": 6},
        "random_h5web_over_ours_min": 6,
        "drag_bytes_over_float32_max": 0.12,
    }
    assert slicer.figures.percentile(list(range(200, 0, -1)), 0.99) == 198


def test_a_frame_is_late_when_the_next_one_is_due(slicer: Any) -> None:
    class Slow:
        def take(self, one: int) -> None:
            time.sleep(one / 1000)

    hasty = slicer.pacing.paced(Slow(), [500, 0, 0, 0])
    assert len(hasty.seconds) == 3
    assert hasty.worst_ms < 400
    # The second one is there 80 ms after the first was due.
    slow = slicer.pacing.paced(Slow(), [0, 40, 40])
    assert slow.late_pct == 100
    assert slow.worst_ms >= 63


def test_who_never_catches_up_is_not_waited_for(
    slicer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stuck:
        asked = 0

        def take(self, one: int) -> None:
            self.asked += 1
            time.sleep(0.1)

    monkeypatch.setattr(slicer.pacing, "PATIENCE", 0.15)
    stuck = Stuck()
    run = slicer.pacing.paced(stuck, range(101))
    assert stuck.asked < 10
    assert len(run.seconds) == 100
    assert run.late_pct == 100


@pytest.mark.slow
def test_a_look_with_small_data(
    slicer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Clients that slide are started from this process, and must find the benchmark too.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    figures = slicer.run(quick=True, folder=str(tmp_path))
    assert set(figures) == {
        "seq_gzip_h5web_over_ours_min",
        "seq_plain_h5web_over_ours_min",
        "seq_plane_h5web_over_ours",
        "seq_contiguous_h5web_over_ours",
        "random_h5web_over_ours_min",
        "drag_bytes_over_float32_max",
        "late_frames_pct_max",
        "late_frames_pct_large",
        "worst_frame_ms",
        "first_picture_ms",
        "status_p99_ms",
        "status_p99_ms_h5web",
        "status_p99_ms_floor",
        "huge_rss_mb",
    }
    assert figures["huge_rss_mb"] < 400
    # Of so small a plane, what is said about it is a part that counts.
    assert figures["drag_bytes_over_float32_max"] <= 0.2
