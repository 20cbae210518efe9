"""A virtual data set of 200 GB whose sources are sparse, and what the server holds of it."""

from __future__ import annotations

from pathlib import Path

import h5py
import psutil

from . import dragging, servers
from .cubes import DATASET, Shape, Stored
from .servers import Server
from .ways import Drag, Slice

SOURCES = 50
SCREEN = 1024
"""A panel asks for so many rows and columns of a whole plane, coarsely, or for those of a part."""


def stored(folder: Path, shape: Shape) -> Stored:
    """Every source is as long as its data set, and holds no block of it."""
    folder.mkdir(parents=True, exist_ok=True)
    each = (shape[0] // SOURCES, *shape[1:])
    layout = h5py.VirtualLayout(shape, "f4")
    for number in range(SOURCES):
        source = folder / f"part{number:02}.h5"
        _sparse(source, each)
        rows = slice(number * each[0], (number + 1) * each[0])
        layout[rows] = h5py.VirtualSource(source.name, DATASET, each)
    path = folder / "huge.h5"
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset(DATASET, layout)
    return Stored("huge", path, shape)


def _sparse(path: Path, shape: Shape) -> None:
    with h5py.File(path, "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        # Space is taken in the file, and nothing written there.
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple(shape)
        h5py.h5d.create(file.id, DATASET.encode(), h5py.h5t.IEEE_F32LE, space, properties)


class Panel(Drag):
    """Ours, as it asks for planes that are larger than the screen."""

    def __init__(self, port: int, data: Stored, whole: bool) -> None:
        super().__init__(port, data)
        self._whole = whole

    def _detail(self, one: Slice) -> dict[str, object]:
        rows, columns = one.shape(self._data.shape)
        step = max(1, -(-max(rows, columns) // SCREEN)) if self._whole else 1
        window = (0, rows, 0, columns)
        if not self._whole:
            window = (0, min(rows, SCREEN // 4), 0, min(columns, SCREEN // 4))
        return {"bits": 8, "domain": "-1,1", "window": ",".join(map(str, window)), "step": step}


def scrubbed_mb(python: Path, data: Stored, count: int) -> float:
    """The most that the server held while somebody slid along each axis, coarsely and closely."""
    with servers.jupyter(python, data.path.parent, servers.OURS) as server:
        panels = [Panel(server.port, data, whole) for whole in (True, False)]
        for axis in range(3):
            for one in dragging.sequential(data, axis, count):
                for panel in panels:
                    panel.take(one)
        return peak_mb(server)


def peak_mb(server: Server) -> float:
    """What the server and all processes below it have ever held at most, each by itself."""
    top = psutil.Process(server.pid)
    return sum(map(_peak_kib, [top, *top.children(recursive=True)])) / 1024


def _peak_kib(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])
