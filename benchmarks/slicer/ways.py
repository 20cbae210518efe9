"""The ways to one slice: ours, the peers', h5py's own and the floor."""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from . import servers, wire
from .connection import Answer, Connection
from .cubes import DATASET, DOMAIN, Shape, Stored
from .wire import Seen

FLOAT_BYTES = 4
DRAG_PART = 8
"""While dragging, a plane has at most so small a part of its bytes as float32."""


@dataclass(frozen=True)
class Slice:
    """One plane: the axis that it is normal to, and where; and which way the hand slides."""

    axis: int
    index: int
    direction: int = 0

    def key(self) -> tuple[int | slice, ...]:
        """For h5py."""
        return tuple(self.index if axis == self.axis else slice(None) for axis in range(3))

    def shape(self, of: Shape) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = (length for axis, length in enumerate(of) if axis != self.axis)
        return rows, columns


class Way(ABC):
    """How somebody gets slices of one data set."""

    @abstractmethod
    def take(self, one: Slice) -> Answer:
        """Ask, and wait for the last byte."""


class Showing(Way):
    """One whose answers are pictures."""

    @abstractmethod
    def seen(self, one: Slice) -> Seen:
        """What is seen in the end."""


class Drag(Showing):
    """Ours, as the panel asks while a hand moves."""

    room = "hpcbinder/slicer"

    def __init__(self, port: int, data: Stored) -> None:
        self.connection = Connection(port)
        self._data = data
        self._view = uuid.uuid4().hex
        self._turn = 0

    def arguments(self, one: Slice) -> dict[str, object]:
        """The plane's query, with what only drags add."""
        rows, columns = (axis for axis in range(3) if axis != one.axis)
        at = [one.index if axis == one.axis else 0 for axis in range(3)]
        self._turn += 1
        asked: dict[str, object] = {
            "file": self._data.path.name,
            "path": DATASET,
            "rows": rows,
            "columns": columns,
            "at": ",".join(map(str, at)),
            "view": self._view,
            "turn": self._turn,
        }
        if one.direction:
            asked["hint"] = f"{one.axis},{one.direction}"
        return asked | self._detail(one)

    def _detail(self, one: Slice) -> dict[str, object]:
        rows, columns = one.shape(self._data.shape)
        limit = rows * columns * FLOAT_BYTES // DRAG_PART
        return {"bits": 8, "domain": ",".join(map(str, DOMAIN)), "limit": limit}

    def take(self, one: Slice) -> Answer:
        return self.connection.get(f"{self.room}/plane", self.arguments(one))

    def seen(self, one: Slice) -> Seen:
        return wire.seen(self.take(one).body)


class Exact(Drag):
    """Ours, every value as it is stored."""

    def _detail(self, one: Slice) -> dict[str, object]:
        return {"bits": 0}


class Peer(Showing):
    """h5grove's API, as h5web's own client asks it for a data set of floats."""

    def __init__(self, port: int, data: Stored, path: str) -> None:
        self.connection = Connection(port)
        self._path = path
        self._data = data

    def take(self, one: Slice) -> Answer:
        selection = ",".join(str(one.index) if axis == one.axis else ":" for axis in range(3))
        asked = {"file": self._data.path.name, "path": DATASET, "selection": selection}
        return self.connection.get(self._path, asked | {"format": "bin"})

    def seen(self, one: Slice) -> Seen:
        values = np.frombuffer(self.take(one).body, "<f4")
        return Seen(values.reshape(one.shape(self._data.shape)))


class Raw(Showing):
    """h5py in this process, with the file open all the time."""

    def __init__(self, data: Stored) -> None:
        self._field = h5py.File(data.path)[DATASET]

    def take(self, one: Slice) -> Answer:
        begun = time.perf_counter()
        taken = self._field[one.key()]
        return Answer(time.perf_counter() - begun, taken.data)

    def seen(self, one: Slice) -> Seen:
        return Seen(self._field[one.key()])


class Floor(Way):
    """As many bytes from the same server, which it had already."""

    def __init__(self, port: int, data: Stored, part: int = 1) -> None:
        self._connection = Connection(port)
        self._data = data
        self._part = part

    def take(self, one: Slice) -> Answer:
        rows, columns = one.shape(self._data.shape)
        nbytes = rows * columns * FLOAT_BYTES // self._part
        return self._connection.get("floor", {"bytes": nbytes})


@dataclass(frozen=True)
class Running:
    """The ports of all servers, which stay up through the run."""

    h5web: int
    h5grove: int
    ours: int

    def ways(self, data: Stored) -> dict[str, Way]:
        """All that can be compared on one data set; the large one takes peers minutes."""
        ways: dict[str, Way] = {
            "ours": Drag(self.ours, data),
            "exact": Exact(self.ours, data),
            "floor_ours": Floor(self.ours, data, DRAG_PART),
            "h5web": Peer(self.h5web, data, "h5web/data"),
            "floor_h5web": Floor(self.h5web, data),
        }
        if data.layout != "large":
            ways["h5grove"] = Peer(self.h5grove, data, "data")
            ways["h5py"] = Raw(data)
        return ways


@contextmanager
def running(python: Path, folder: Path) -> Iterator[Running]:
    """Every server, on the folder of the data."""
    with ExitStack() as stack:
        h5web = stack.enter_context(servers.jupyter(python, folder, servers.H5WEB))
        grove = stack.enter_context(servers.h5grove(python, folder))
        ours = stack.enter_context(servers.jupyter(python, folder, servers.OURS))
        yield Running(h5web.port, grove.port, ours.port)
