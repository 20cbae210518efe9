"""What iterations are like, of a sample of each."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from doubles.reader_in_memory import ReaderInMemory, work
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from hpcbinder.slicer.answers.along import parse_indices
from hpcbinder.slicer.errors import Cancelled, Refusal
from hpcbinder.slicer.planes import course
from hpcbinder.slicer.planes.course import LAYER_BYTES, SAMPLE_VALUES

Array = np.ndarray[Any, Any]
SMALL = array_shapes(min_dims=1, max_dims=4, max_side=6)


@settings(deadline=None)
@given(
    st.sampled_from(["f4", ">f8", "i2", "?"]).flatmap(lambda kind: arrays(kind, SMALL)),
    st.data(),
)
def test_small_slices_are_seen_whole(array: Array, data: st.DataObject) -> None:
    axis = data.draw(st.integers(0, array.ndim - 1))
    indices = data.draw(st.lists(st.integers(0, array.shape[axis] - 1), min_size=1, unique=True))
    sides = [st.integers(1, size) for size in array.shape]
    chunks = data.draw(st.none() | st.tuples(*sides))
    found = course(ReaderInMemory(array, chunks), axis, indices, work(), seconds=60)
    assert found.seen == 1
    assert [point.index for point in found.points] == sorted(indices)
    for point in found.points:
        values = array.take(point.index, axis).ravel()
        there = values[np.isfinite(values)].astype("f8")
        if there.size == 0:
            assert (point.low, point.high, point.mean) == (None, None, None)
            continue
        assert (point.low, point.high) == (there.min(), there.max())
        assert point.mean is not None
        assert point.mean / 2 == pytest.approx((there / 2 / there.size).sum(), rel=1e-6, abs=1e-6)
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["seen"] == 1


@pytest.mark.parametrize("chunks", [None, (64, 64, 64), (1, 1024, 1024), (16, 16, 16)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_of_large_slices_a_bounded_sample_is_read(
    chunks: tuple[int, int, int] | None, axis: int
) -> None:
    shape = (1024, 1024, 1024)
    reader = ReaderInMemory(np.broadcast_to(np.float32(1), shape), chunks)
    # As a fresh budget would: no more than a sample of one layer is held.
    found = course(reader, axis, range(100, 164), work(4 * LAYER_BYTES), seconds=60)
    assert [(point.low, point.high, point.mean) for point in found.points] == [(1, 1, 1)] * 64
    assert 0 < found.seen <= 1
    whole_slice = chunks == (1, 1024, 1024) and axis == 0
    most = 1 << 20 if whole_slice else 2 * SAMPLE_VALUES
    assert reader.values_read <= 64 * most


def test_the_sample_is_from_all_over_a_slice() -> None:
    rows = np.arange(2048, dtype="f4")
    array = np.broadcast_to(rows[:, None], (4, 2048, 2048))
    (point,) = course(ReaderInMemory(array), 0, [2], work()).points
    assert point.low is not None
    assert point.high is not None
    assert point.high - point.low > 0.8 * 2048
    assert point.mean == pytest.approx(1024, rel=0.15)


def test_slices_that_lie_in_one_chunk_are_decoded_once() -> None:
    reader = ReaderInMemory(np.zeros((64, 128, 128)), (64, 64, 64))
    course(reader, 0, range(64), work())
    assert len(reader.reads) == len({str(key) for key in reader.reads}) <= 4


def test_what_there_is_no_time_for_is_left_to_the_next_request() -> None:
    reader = ReaderInMemory(np.zeros((10, 64, 64)), (2, 64, 64))
    first = course(reader, 0, range(10), work(), seconds=0)
    assert [point.index for point in first.points] == [0, 1]


def test_it_ends_when_nobody_waits() -> None:
    given_up = work()
    given_up.cancel()
    with pytest.raises(Cancelled):
        course(ReaderInMemory(np.zeros((10, 4))), 0, [3], given_up)


def test_fill_values_are_no_values() -> None:
    array = np.array([[1.0, -9999, 3], [-9999, -9999, -9999]])
    one, two = course(ReaderInMemory(array), 0, [0, 1], work(), missing=(-9999,)).points
    assert (one.low, one.high, one.mean) == (1, 3, 2)
    assert two.mean is None


def test_both_ends_of_double_precision() -> None:
    largest = np.finfo("f8").max
    (point,) = course(ReaderInMemory(np.array([[largest, largest]])), 0, [0], work()).points
    assert (point.low, point.mean) == (largest, largest)


def test_indices_are_parsed() -> None:
    assert parse_indices("0:64:16,70,3", 100) == [0, 16, 32, 48, 70, 3]
    assert parse_indices(":", 3) == [0, 1, 2]


@pytest.mark.parametrize(
    ("axis", "indices"), [(3, "0"), (-1, "0"), (0, "4"), (0, "-1"), (0, "x"), (0, "::-1")]
)
def test_what_there_is_not_is_refused(axis: int, indices: str) -> None:
    with pytest.raises(Refusal) as refused:
        course(ReaderInMemory(np.zeros((4, 4, 4))), axis, parse_indices(indices, 4), work())
    assert refused.value.status == 400


def test_not_too_many_at_once() -> None:
    with pytest.raises(Refusal, match="at most 256"):
        parse_indices("0:100000", 100_000)
    with pytest.raises(Refusal, match="at most 256"):
        course(ReaderInMemory(np.zeros((500, 4))), 0, range(300), work())
