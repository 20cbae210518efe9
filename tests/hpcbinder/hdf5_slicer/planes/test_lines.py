"""Values along a line are those that the data set has there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from doubles.reader_in_memory import ReaderInMemory, work
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.planes import parse, parse_points, profile, wire
from hpcbinder.slicer.planes.pyramid import levels, tile_window

ROW, COLUMN = st.floats(0, 36), st.floats(0, 52)
POINTS = st.lists(st.tuples(ROW, COLUMN), min_size=2, max_size=4)
CUBE = np.arange(37 * 3 * 53).reshape(37, 3, 53)


def along(array: np.ndarray[Any, Any], points: Any, **asked: str) -> list[float]:
    reader = ReaderInMemory(array)
    plane = profile(reader, parse(asked, array.shape), points, work())
    found: list[float] = wire.array(plane).ravel().tolist()
    return found


@settings(deadline=None)
@given(POINTS)
def test_every_value_lies_beside_the_line(points: list[tuple[float, float]]) -> None:
    found = along(CUBE, points, rows="0", columns="2", at="0,1,0")
    turned = along(
        CUBE, [(column, row) for row, column in points], rows="2", columns="0", at="0,1,0"
    )
    assert found == turned
    places = [(value // (3 * 53), value % 53) for value in found]
    ends = points[0], points[-1]
    for (row, column), (at_row, at_column) in zip(ends, (places[0], places[-1]), strict=True):
        assert abs(row - at_row) <= 0.5
        assert abs(column - at_column) <= 0.5
    steps = np.abs(np.diff(places, axis=0))
    assert steps.max(initial=0) <= 1


def test_along_an_axis_and_across() -> None:
    array = np.arange(12.0).reshape(3, 4)
    assert along(array, [(1, 0), (1, 3)]) == [4, 5, 6, 7]
    assert along(array, [(0, 0), (2, 2), (2, 3)]) == [0, 5, 10, 11]
    assert along(array, [(1, 1), (1, 1)]) == [5, 5]


def test_a_long_slanting_line_reads_little() -> None:
    array = np.zeros((4000, 4000), "u1")
    reader = ReaderInMemory(array)
    plane = profile(reader, parse({}, array.shape), [(0, 0), (3999, 3999)], work(1 << 20))
    assert plane.header["shape"] == [1, 4000]
    assert plane.header["length"] == pytest.approx(3999 * 2**0.5)
    assert reader.values_read < array.size / 10


def test_points_are_parsed() -> None:
    assert parse_points("1,2;3.5,4") == ((1, 2), (3.5, 4))


@pytest.mark.parametrize("text", ["", "1,2", "1,2;3", "1,2;x,y", "1,2;nan,3"])
def test_what_is_no_line(text: str) -> None:
    with pytest.raises(Refusal, match="points:"):
        parse_points(text)


def test_a_line_stays_on_the_plane() -> None:
    with pytest.raises(Refusal, match="leaves the plane"):
        along(np.zeros((3, 3)), [(0, 0), (0, 3)])


@settings(deadline=None)
@given(st.tuples(st.integers(1, 40000), st.integers(1, 40000)))
def test_tiles_of_each_level_cover_the_plane(plane: tuple[int, int]) -> None:
    for level in range(levels(plane)):
        side = 512 << level
        rows, columns = -(-plane[0] // side), -(-plane[1] // side)
        windows = [tile_window(plane, level, r, c)[0] for r in range(rows) for c in range(columns)]
        assert sum((r1 - r0) * (c1 - c0) for r0, r1, c0, c1 in windows) == plane[0] * plane[1]
    assert (rows, columns) == (1, 1)
