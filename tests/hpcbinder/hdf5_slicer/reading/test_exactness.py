"""Whatever the shape, type, layout and filters: the values are those that h5py reads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcbinder.slicer.files.links import Links
from hpcbinder.slicer.files.opened import Files
from hpcbinder.slicer.reading.reader import Reader
from hpcbinder.slicer.reading.readers import Readers
from hpcbinder.slicer.reading.selection import Key
from hpcbinder.slicer.roots import Roots
from hpcbinder.slicer.work import Work

TYPES = ["u1", ">i2", "<i4", ">u8", ">f2", "<f4", ">f8", "c8", ">c16", "?", "S3", "V5"]
COMPOUND = [("a", ">i2"), ("b", "f8", (2,)), ("c", "S2")]
FILTERS: list[dict[str, Any]] = [
    {},
    {"compression": "gzip", "shuffle": True},
    {"compression": "gzip", "fletcher32": True},
    {"compression": "lzf"},
    {"fletcher32": True, "shuffle": True},
    dict(hdf5plugin.Blosc()),
    dict(hdf5plugin.LZ4()),
    dict(hdf5plugin.Bitshuffle()),
    dict(hdf5plugin.Zstd()),
]


@dataclass(frozen=True)
class Made:
    """A data set, and what is asked of it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    storage: str
    chunks: tuple[int, ...]
    filters: dict[str, Any]
    written: float
    keys: list[Key]
    budget: int


@st.composite
def keys(draw: st.DrawFn, shape: tuple[int, ...]) -> Key:
    parts: list[int | slice] = []
    for length in shape[: draw(st.integers(0, len(shape)))]:
        if length and draw(st.booleans()):
            parts.append(draw(st.integers(-length, length - 1)))
            continue
        start = draw(st.none() | st.integers(0, length))
        stop = draw(st.none() | st.integers(start or 0, length + 2))
        parts.append(slice(start, stop, draw(st.none() | st.integers(1, length + 1))))
    return tuple(parts)


@st.composite
def data_sets(draw: st.DrawFn) -> Made:
    rank = draw(st.integers(0, 4))
    shape = tuple(draw(st.integers(1, 40 // rank)) for _ in range(rank))
    dtype = draw(st.sampled_from([*map(np.dtype, TYPES), np.dtype(COMPOUND)]))
    storages = ["contiguous"] if not rank else ["contiguous", "chunked", "virtual", "external"]
    return Made(
        shape,
        dtype,
        draw(st.sampled_from(storages)),
        tuple(draw(st.integers(1, length)) for length in shape),
        draw(st.sampled_from(FILTERS)),
        draw(st.sampled_from([0.3, 1.0])),
        draw(st.lists(keys(shape), min_size=1, max_size=4)),
        draw(st.sampled_from([200, 5000, 1 << 20])),
    )


def written(place: Path, made: Made) -> None:
    """Some of it is left to the fill value."""
    count = int(np.prod(made.shape)) * made.dtype.itemsize
    raw = np.random.default_rng(count).integers(0, 255, count, "u1")
    values = np.frombuffer(raw.tobytes(), made.dtype).reshape(made.shape)
    if made.dtype.kind == "b":
        values = (raw.reshape(made.shape) % 2).astype("?")
    options: dict[str, Any] = {}
    if made.storage == "chunked":
        options = {"chunks": made.chunks, **made.filters}
    if made.storage == "external":
        half = values.nbytes // 2
        for name in ("one.raw", "two.raw"):
            (place / name).touch()
        names = [("one.raw", 3, half), ("two.raw", 0, h5py.h5f.UNLIMITED)]
        options = {"external": [(str(place / name), at, size) for name, at, size in names]}
    if made.dtype.kind in "iuf" and made.storage != "external":
        options["fillvalue"] = 7
    with h5py.File(place / "a.h5", "w") as file:
        data = file.create_dataset("d", made.shape, made.dtype, **options)
        if made.shape:
            first = slice(0, max(1, int(made.shape[0] * made.written)))
            data[first] = values[first]
        else:
            data[()] = values[()]
        if made.storage == "virtual":
            virtual(file, made)


def virtual(file: h5py.File, made: Made) -> None:
    """The first half comes from another place than the second, and a part is missing."""
    layout = h5py.VirtualLayout(made.shape, made.dtype)
    middle = made.shape[0] // 2
    source = h5py.VirtualSource(file["d"])
    if middle:
        layout[:middle] = source[made.shape[0] - middle :]
    layout[middle : made.shape[0] - 1 or 1 : 2] = source[middle : made.shape[0] - 1 or 1 : 2]
    file.create_virtual_dataset("v", layout)


@contextmanager
def reading(made: Made) -> Iterator[tuple[h5py.Dataset, Reader]]:
    with tempfile.TemporaryDirectory() as folder:
        written(Path(folder), made)
        files = Files()
        links = Links(Roots([("home", folder)]), files.open)
        readers = Readers(made.budget, threads=2, links=links)
        file = files.open(str(Path(folder) / "a.h5"))
        try:
            with file.using():
                dataset = file.h5["v" if made.storage == "virtual" else "d"]
                yield dataset, readers.of(file, dataset)
        finally:
            readers.close()
            files.close()


def the_same(found: np.ndarray[Any, Any], expected: Any) -> None:
    """To the last bit: NaNs too."""
    expected = np.asarray(expected, found.dtype)
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(data_sets())
def test_as_h5py_reads_it(made: Made) -> None:
    with reading(made) as (dataset, reader):
        for key in made.keys * 2:
            the_same(reader.read(key, Work(1 << 26, seconds=60)), dataset[key])


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(data_sets(), st.sampled_from([-1, 1]), st.data())
def test_as_h5py_reads_it_while_others_are_prepared(
    made: Made, direction: int, data: st.DataObject
) -> None:
    with reading(made) as (dataset, reader):
        for axis, length in enumerate(made.shape):
            for at in range(length)[::direction]:
                key = (slice(None),) * axis + (at,)
                reader.ahead(key, axis, direction)
                other = data.draw(st.sampled_from(made.keys))
                the_same(reader.read(other, Work(1 << 26, seconds=60)), dataset[other])
                the_same(reader.read(key, Work(1 << 26, seconds=60)), dataset[key])
