"""No value of a line lies outside of its envelope, and both of its edges are values."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from doubles.reader_in_memory import ReaderInMemory, work
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpcbinder.slicer.errors import Cancelled, Refusal
from hpcbinder.slicer.files.links import Links
from hpcbinder.slicer.files.opened import Files
from hpcbinder.slicer.planes import envelope, parse, stretch, wire
from hpcbinder.slicer.reading.readers import Readers
from hpcbinder.slicer.roots import Roots

Array = np.ndarray[Any, Any]
TYPES = ["f4", ">f8", "f2", "i2", ">i4", "u8", "i8", "?"]
NUMBERS = itertools.count()
LAYOUTS: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunked": {"chunks": (7,)},
    "gzip": {"chunks": (64,), "compression": "gzip", "shuffle": True},
}


def edges(array: Array, bucket: int) -> tuple[list[float], list[float]]:
    """What NumPy says, bucket by bucket."""
    low, high = [], []
    for first in range(0, array.size, bucket):
        values = array[first : first + bucket]
        there = values[~np.isnan(values)] if array.dtype.kind == "f" else values
        low.append(there.min() if there.size else np.nan)
        high.append(there.max() if there.size else np.nan)
    return low, high


def lines(kind: str) -> st.SearchStrategy[Array]:
    values = arrays(kind, st.integers(1, 300))
    if np.dtype(kind).kind != "f":
        return values
    # A row of them, so that there are buckets in which nothing is a number.
    gaps = st.tuples(st.integers(0, 300), st.integers(0, 60))
    return st.builds(with_gap, values, gaps)


def with_gap(array: Array, gap: tuple[int, int]) -> Array:
    array = array.copy()
    array[gap[0] : gap[0] + gap[1]] = np.nan
    return array


@settings(deadline=None)
@given(st.sampled_from(TYPES).flatmap(lines), st.integers(1, 40), st.integers(1, 64))
def test_each_bucket_goes_from_its_least_to_its_greatest_value(
    array: Array, buckets: int, piece: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretch, "PIECE_VALUES", piece)
        made = envelope(ReaderInMemory(array), parse({}, array.shape), buckets, work())
    bucket = made.header["bucket"]
    assert bucket == -(-array.size // buckets)
    found = wire.array(made)
    assert found.shape == (2, -(-array.size // bucket))
    np.testing.assert_array_equal(found, edges(array, bucket))
    there = array[np.isfinite(array)]
    assert (made.header["exact"], made.header["finite"]) == (True, there.size)
    assert made.header["range"] == ([there.min(), there.max()] if there.size else None)


@pytest.fixture
def reading(home: Path) -> Callable[[Path, str], Any]:
    """`reading(path, name)`: a reader of a file's data set."""
    roots, files = Roots([("your files", str(home))]), Files()
    readers = Readers(16 << 20, 2, Links(roots, files.open))
    return lambda path, name: readers.of(files.open(str(path)), files.open(str(path)).h5[name])


@pytest.mark.parametrize("layout", [*LAYOUTS, "virtual"])
@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(array=st.sampled_from([">f4", "i4"]).flatmap(lines), buckets=st.integers(1, 40))
def test_of_files_of_every_layout(
    home: Path, reading: Callable[[Path, str], Any], layout: str, array: Array, buckets: int
) -> None:
    path = home / f"{layout}-{next(NUMBERS)}.h5"
    with h5py.File(path, "w") as file:
        options = LAYOUTS.get(layout, {})
        if options:
            options = {**options, "chunks": (min(array.size, options["chunks"][0]),)}
        file.create_dataset("line", data=array, **options)
        if layout == "virtual":
            made = h5py.VirtualLayout(array.shape, array.dtype)
            made[:] = h5py.VirtualSource(path.name, "line", array.shape)
            file.create_virtual_dataset("virtual", made)
    reader = reading(path, "virtual" if layout == "virtual" else "line")
    found = envelope(reader, parse({}, array.shape), buckets, work())
    np.testing.assert_array_equal(wire.array(found), edges(array, found.header["bucket"]))


def test_along_any_axis_and_of_a_part_of_it() -> None:
    cube = np.random.default_rng(3).normal(size=(50, 4, 30)).astype(">f4")
    asked = parse({"rows": "none", "columns": "0", "at": "0,2,7", "window": "0,1,5,45"}, cube.shape)
    found = envelope(ReaderInMemory(cube, (8, 2, 8)), asked, 7, work())
    assert found.header["window"] == [0, 1, 5, 45]
    np.testing.assert_array_equal(wire.array(found), edges(cube[5:45, 2, 7], 6))


def test_infinities_are_values_and_numbers_that_are_none_are_counted() -> None:
    array = np.array([1, np.inf, np.nan, -np.inf, 5, 6])
    found = envelope(ReaderInMemory(array), parse({}, array.shape), 2, work())
    np.testing.assert_array_equal(wire.array(found), [[1, -np.inf], [np.inf, 6]])
    header = found.header
    assert (header["range"], header["finite"], header["count"]) == ([1, 6], 3, 6)


def test_a_long_line_takes_little_memory() -> None:
    array = np.zeros(6_000_000, "f4")
    array[4_321_987] = 9
    reader = ReaderInMemory(array)
    found = wire.array(envelope(reader, parse({}, array.shape), 1000, work(budget=5 << 20)))
    assert found[1].argmax() == 4_321_987 // 6000
    assert (found[1].max(), reader.values_read) == (9, array.size)


@pytest.mark.parametrize("chunks", [None, (4096,)])
def test_one_that_is_too_long_is_sampled_and_says_so(
    chunks: tuple[int, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stretch, "MOST_BYTES", 1 << 20)
    monkeypatch.setattr(stretch, "SAMPLED_BYTES", 1 << 18)
    array = np.sin(np.arange(2_000_000) / 1e5)
    reader = ReaderInMemory(array, chunks)
    found = envelope(reader, parse({}, array.shape), 200, work())
    low, high = wire.array(found)
    assert found.header["exact"] is False
    assert 0 < reader.values_read == found.header["count"] < array.size / 4
    least, greatest = edges(array, found.header["bucket"])
    assert np.all(low >= least)
    assert np.all(low <= high)
    assert np.all(high <= greatest)


def test_a_line_across_large_chunks_counts_what_has_to_be_decoded() -> None:
    # Of 40,000 values; but they lie in 40,000 chunks of a megabyte.
    shape, chunks = (40_000, 512, 512), (1, 512, 512)
    reader = ReaderInMemory(np.broadcast_to(np.float32(1), shape), chunks)
    asked = parse({"rows": "none", "columns": "0"}, shape)
    reader.etag = lambda key: "same"  # type: ignore[method-assign]
    found = envelope(reader, asked, 2000, work())
    assert found.header["exact"] is False
    assert reader.values_read <= 256


def test_it_ends_when_nobody_waits() -> None:
    given_up = work()
    given_up.cancel()
    with pytest.raises(Cancelled):
        envelope(ReaderInMemory(np.zeros(10)), parse({}, (10,)), 2, given_up)


@pytest.mark.parametrize(("asked", "buckets"), [({"rows": "0"}, 5), ({}, 0), ({}, 1 << 20)])
def test_what_is_no_envelope(asked: dict[str, str], buckets: int) -> None:
    array = np.zeros((3, 4))
    with pytest.raises(Refusal) as refused:
        envelope(ReaderInMemory(array), parse({"rows": "none", **asked}, (3, 4)), buckets, work())
    assert refused.value.status == 400
