"""Figures of a slice are exact; those of a data set are an estimate first, and exact in the end."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from doubles.reader_in_memory import ReaderInMemory, work
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hpcbinder.slicer.planes import Statistics, parse, render, statistics
from hpcbinder.slicer.planes.blocks import blocks_of
from hpcbinder.slicer.planes.tally import Tally

SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=7)


def everything(array: np.ndarray[Any, Any]) -> tuple[slice, ...]:
    return tuple(slice(0, size, 1) for size in array.shape)


def as_numpy_has_it(array: np.ndarray[Any, Any], found: Statistics) -> None:
    there = array[np.isfinite(array)].astype("f8")
    assert (found.count, found.finite) == (array.size, there.size)
    assert found.nan == np.isnan(array).sum()
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["finite"] == there.size
    if there.size == 0:
        assert (found.min, found.max, found.mean, found.histogram) == (None, None, None, None)
        return
    assert (found.min, found.max) == (there.min(), there.max())
    exact = float((there / 2 / there.size).sum())
    assert found.mean is not None
    assert found.mean / 2 == pytest.approx(exact, rel=1e-9, abs=1e-9 * np.abs(there).max())
    assert found.histogram
    assert sum(found.histogram["counts"]) == there.size
    assert found.histogram["low"] <= found.histogram["high"]
    positive = there[there > 0]
    assert found.least_positive == (positive.min() if positive.size else None)


@settings(deadline=None)
@given(st.sampled_from(["f4", ">f8", "i2", "u8"]).flatmap(lambda k: arrays.arrays(k, SHAPES)))
def test_of_a_slice(array: np.ndarray[Any, Any]) -> None:
    found = statistics(ReaderInMemory(array), everything(array), work())
    as_numpy_has_it(array, found)
    assert (found.estimate, found.seen) == (False, 1)
    there = array[np.isfinite(array)]
    if there.size:
        assert found.percentiles["50"] in there
        places = np.sort(there.ravel())
        assert found.percentiles["99"] == places[round(0.99 * (there.size - 1))]


@settings(deadline=None)
@given(arrays.arrays("f8", SHAPES), st.tuples(*[st.integers(1, 3)] * 3))
def test_of_a_data_set_seen_by_and_by(
    array: np.ndarray[Any, Any], chunks: tuple[int, int, int]
) -> None:
    reader = ReaderInMemory(array, chunks[: array.ndim])
    found = statistics(reader, None, work())
    assert (found.estimate, found.seen) == (False, 1)
    as_numpy_has_it(array, found)
    for value in found.percentiles.values():
        assert found.min is not None
        assert found.max is not None
        assert found.min <= value <= found.max


def test_a_first_estimate_and_then_more_of_it() -> None:
    array = np.arange(64.0 * 512 * 512, dtype="f4").reshape(64, 512, 512)
    reader = ReaderInMemory(array, (1, 512, 512))
    first = statistics(reader, None, work(), seconds=0)
    assert first.estimate
    assert first.seen == 1 / 32
    second = statistics(reader, None, work(), seconds=0)
    assert second.seen == 2 / 32
    assert first.etag != second.etag
    whole = statistics(reader, None, work(), seconds=60)
    assert (whole.estimate, whole.min, whole.max) == (False, 0, array.max())
    width = float(array.max()) / 2000
    assert whole.percentiles["50"] == pytest.approx(np.percentile(array, 50), abs=width)
    assert reader.values_read == array.size


def test_many_who_ask_at_once_share_the_work_and_hear_what_fits_together() -> None:
    array = np.arange(64.0 * 256 * 256, dtype="f4").reshape(64, 256, 256)
    reader = ReaderInMemory(array, (8, 256, 256))

    def ask(_: int) -> Statistics:
        return statistics(reader, None, work(), seconds=0)

    with ThreadPoolExecutor(4) as askers:
        answers = list(askers.map(ask, range(16)))
    for found in answers:
        assert found.histogram
        assert sum(found.histogram["counts"]) == found.finite == found.count
        assert found.estimate is (found.count < array.size)
    assert max(found.seen for found in answers) == 1
    assert reader.values_read == array.size


def test_it_begins_anew_when_something_was_written() -> None:
    array = np.zeros((4, 4))
    reader = ReaderInMemory(array)
    assert statistics(reader, None, work()).max == 0
    array[2, 3] = 7
    assert statistics(reader, None, work()).max == 7


def test_no_more_is_held_than_a_piece_of_it() -> None:
    array = np.ones((40, 512, 512), "f4")
    found = statistics(ReaderInMemory(array), everything(array), work(budget=3 << 20))
    assert (found.count, found.estimate) == (array.size, False)
    found = statistics(ReaderInMemory(array), None, work(budget=3 << 20), seconds=60)
    assert (found.count, found.estimate) == (array.size, False)


def test_whole_numbers_stay_exact() -> None:
    array = np.array([2**62 + 1, 2**62 + 3, -5])
    found = statistics(ReaderInMemory(array), None, work())
    assert (found.min, found.max, found.least_positive) == (-5, 2**62 + 3, 2**62 + 1)


def test_both_ends_of_double_precision() -> None:
    largest = np.finfo("f8").max
    array = np.array([-largest, largest, 5e-324, np.inf])
    for key in (None, (slice(0, 4, 1),)):
        found = statistics(ReaderInMemory(array), key, work())
        assert (found.min, found.max, found.finite) == (-largest, largest, 3)
        assert found.histogram
        assert sum(found.histogram["counts"]) == 3


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.integers(1, 5))
def test_values_may_come_in_any_pieces(values: list[float], size: int) -> None:
    tally = Tally()
    for start in range(0, len(values), size):
        tally.add(np.array(values[start : start + size]), ())
    assert (tally.low, tally.high, tally.finite) == (min(values), max(values), len(values))
    assert tally.histogram.counts.sum() == len(values)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 2000), min_size=1, max_size=3).map(tuple),
    st.lists(st.integers(1, 800), min_size=3, max_size=3).map(tuple),
)
def test_blocks_are_a_data_set_and_each_has_one_turn(
    shape: tuple[int, ...], chunks: tuple[int, ...]
) -> None:
    blocks = blocks_of(shape, chunks[: len(shape)])
    turns = min(blocks.count, 3000)
    keys = {tuple((part.start, part.stop) for part in blocks.key(turn)) for turn in range(turns)}  # type: ignore[union-attr]
    assert len(keys) == turns
    if turns == blocks.count:
        volumes = (np.prod([stop - start for start, stop in key]) for key in keys)
        assert sum(volumes) == np.prod(shape)


def test_the_first_blocks_are_from_all_over_a_huge_data_set() -> None:
    blocks = blocks_of((1 << 20, 1 << 20, 1 << 20), None)
    starts = [blocks.key(turn)[0].start / (1 << 20) for turn in range(16)]  # type: ignore[union-attr]
    assert np.diff(sorted([0, *starts, 1])).max() < 0.2


def test_an_absurd_chunk_is_looked_at_in_parts() -> None:
    blocks = blocks_of((100_000, 100_000), (100_000, 100_000))
    rows, columns = blocks.key(1)
    assert isinstance(rows, slice)
    assert isinstance(columns, slice)
    assert (rows.stop - rows.start) * (columns.stop - columns.start) <= 1 << 23


def test_a_picture_in_the_data_sets_domain_says_that_it_is_an_estimate() -> None:
    array = np.arange(32.0 * 512 * 512, dtype="f4").reshape(32, 512, 512)
    reader = ReaderInMemory(array, (1, 512, 512))
    request = parse({"domain": "dataset", "at": "3,0,0"}, array.shape)
    statistics(reader, None, work(), seconds=0)
    first = render(reader, request, work()).header
    low, high = first["domain"]
    assert low <= array[3].min() < array[3].max() <= high
    assert (first["domain_estimate"], first["exact"]) == (True, False)
    statistics(reader, None, work(), seconds=60)
    second = render(reader, request, work()).header
    assert second["domain"] == [0, array.max()]
    assert second["exact"] is True
    assert first["etag"] != second["etag"]
