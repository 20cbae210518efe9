"""What a code stands for is never further than half a step from the value."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from doubles.reader_in_memory import ReaderInMemory, work
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hpcbinder.slicer.planes import parse, render, wire
from hpcbinder.slicer.planes.request import Limits, Number, PlaneRequest
from hpcbinder.slicer.planes.scale import Scale, function
from hpcbinder.slicer.planes.wire import Plane

ROUNDING = 0.01
"""Of a step: what single precision may add to the half that is rounded away."""

KINDS = ["f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]
SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=8)


def shown(array: Any, **asked: Any) -> Plane:
    """As a browser gets it."""
    array = np.asarray(array)
    request = replace(parse({}, array.shape), **asked)
    return wire.read(render(ReaderInMemory(array), request, work()).message())


def codes(array: Any, **asked: Any) -> list[int]:
    return wire.array(shown(array, **asked)).ravel().tolist()


def scale_in(plane: Plane) -> Scale:
    low, high = plane.header["domain"]
    return Scale(plane.header["scale"], low, high, plane.header.get("threshold"))


def linear_place(value: Number, low: Number, high: Number, top: int) -> float:
    """Where on the codes' axis a value is, without any rounding."""
    exact = (Fraction(value) - Fraction(low)) / (Fraction(high) - Fraction(low))
    return float(1 + min(max(exact, Fraction(0)), Fraction(1)) * (top - 1))


@st.composite
def planes(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    kind = np.dtype(draw(st.sampled_from(KINDS))).newbyteorder(draw(st.sampled_from("<>")))
    array: np.ndarray[Any, Any] = draw(arrays.arrays(kind, draw(SHAPES)))
    return array


@settings(deadline=None)
@given(planes(), st.sampled_from([8, 16]))
def test_linear_codes_are_within_half_a_step_of_the_truth(
    array: np.ndarray[Any, Any], bits: int
) -> None:
    plane = shown(array, bits=bits)
    low, high = plane.header["domain"]
    top = 255 if bits == 8 else 65535
    assert plane.header["levels"] == top
    for code, value in zip(wire.array(plane).ravel().tolist(), array.ravel().tolist(), strict=True):
        if value != value:
            assert code == 0
        elif value in (float("inf"), float("-inf")):
            assert code == (top if value > 0 else 1)
        else:
            assert abs(code - linear_place(value, low, high, top)) <= 0.5 + ROUNDING


@settings(deadline=None)
@given(planes(), st.sampled_from([8, 16]), st.sampled_from(["log", "symlog"]))
def test_codes_of_other_scales_too(array: np.ndarray[Any, Any], bits: int, name: str) -> None:
    plane = shown(array, bits=bits, scale=name)
    scale, top = scale_in(plane), 255 if bits == 8 else 65535
    start, end = function(scale, scale.low), function(scale, scale.high)
    if end - start < 1e-6 * max(1, abs(start)):
        return  # Where the test's own arithmetic could not tell the values apart.
    for code, value in zip(wire.array(plane).ravel().tolist(), array.ravel().tolist(), strict=True):
        if value != value or (name == "log" and value <= 0):
            assert code == 0
        else:
            inside = min(max(value, scale.low), scale.high)
            place = 1 + (function(scale, inside) - start) / (end - start) * (top - 1)
            assert abs(code - place) <= 0.5 + ROUNDING


@settings(deadline=None)
@given(planes(), st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).map(sorted))
def test_a_typed_domain_holds_for_whatever_is_outside(
    array: np.ndarray[Any, Any], ends: list[float]
) -> None:
    plane = shown(array, domain=Limits(*ends))
    low, high = plane.header["domain"]
    assert (low, high) == tuple(ends) or ends[0] == ends[1]
    for code, value in zip(wire.array(plane).ravel().tolist(), array.ravel().tolist(), strict=True):
        if value != value:
            assert code == 0
        elif abs(value) == float("inf"):
            assert code == (255 if value > 0 else 1)
        else:
            assert abs(code - linear_place(value, low, high, 255)) <= 0.5 + ROUNDING


@settings(deadline=None)
@given(planes())
def test_exact_values_come_back_bit_by_bit(array: np.ndarray[Any, Any]) -> None:
    plane = shown(array, bits=0, limit=1)
    back = wire.array(plane)
    wider = np.dtype("f4") if array.dtype.itemsize == 2 and array.dtype.kind == "f" else array.dtype
    expected = array.astype(wider.newbyteorder("="))
    assert (back.dtype, back.shape) == (expected.dtype, expected.shape)
    assert back.tobytes() == expected.tobytes()
    assert plane.header["exact"] is True
    low, high = plane.header["domain"]
    assert low < high


@settings(deadline=None)
@given(planes(), st.sampled_from([8, 16]), st.integers(1, 200))
def test_what_is_made_smaller_says_how(array: np.ndarray[Any, Any], bits: int, limit: int) -> None:
    plane = shown(array, bits=bits, limit=limit)
    header = plane.header
    assert len(plane.body) <= limit or header["shape"] == [1, 1]
    every = header["step"]
    back, whole = wire.array(plane), wire.array(shown(array, bits=header["bits"]))
    assert back.shape == whole[::every, ::every].shape
    away = np.abs(back.astype(int) - whole[::every, ::every].astype(int))
    top = 255 if header["bits"] == 8 else 65535
    assert away.max(initial=0) <= (top - 1) / (header["levels"] - 1) / 2 + 0.5
    assert ((back == 0) == (whole[::every, ::every] == 0)).all()
    unchanged = (header["bits"], header["levels"], every) == (bits, 2**bits - 1, 1)
    assert header["exact"] is unchanged


def test_nothing_and_one_value() -> None:
    assert shown(np.zeros((0, 4), "f4")).header["shape"] == [0, 4]
    assert shown(np.zeros((4, 0), "f4")).header["range"] is None
    one = shown([[5.0]])
    assert one.header["domain"] == [2.5, 7.5]
    assert wire.values(one).tolist() == [[5.0]]
    assert wire.values(shown([[0.0, 0.0]])).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("value", [1e-300, 1.1e308, -3.5, 2**63 - 1, -(2**63), 2**64 - 1])
def test_a_constant_plane_is_read_back_as_that(value: float, bits: int) -> None:
    plane = shown(np.full((3, 3), value), bits=bits)
    assert plane.header["range"] == [value, value]
    assert wire.values(plane) == pytest.approx(np.full((3, 3), value), rel=1e-4)


@pytest.mark.parametrize("scale", ["linear", "log", "symlog"])
def test_nothing_but_nan(scale: str) -> None:
    plane = shown(np.full((2, 3), np.nan, "f4"), scale=scale)
    assert wire.array(plane).tolist() == [[0] * 3] * 2
    assert (plane.header["range"], plane.header["finite"]) == (None, 0)


def test_infinities_are_the_ends_and_no_part_of_the_domain() -> None:
    array = np.array([[-np.inf, 0, 1, np.inf, np.nan]])
    plane = shown(array)
    assert (plane.header["domain"], plane.header["finite"]) == ([0, 1], 2)
    assert wire.array(plane).tolist() == [[1, 1, 255, 255, 0]]


def test_whole_numbers_beyond_what_a_float_can_tell_apart() -> None:
    start = 2**62 + 1
    array = start + np.arange(255).reshape(5, 51)
    plane = shown(array)
    assert plane.header["range"] == [start, start + 254]
    assert wire.array(plane).ravel().tolist() == list(range(1, 256))
    assert codes(array, scale="log") == list(range(1, 256))
    some = Limits(start + 1, start + 3)
    assert codes(array[:1, :5], domain=some) == [1, 1, 128, 255, 255]


def test_both_ends_of_double_precision() -> None:
    largest = np.finfo("f8").max
    assert codes([[-largest, 0, largest]]) == [1, 128, 255]
    assert codes([[0, 5e-324, 1e-323]]) == [1, 128, 255]


def test_what_stands_for_nothing_is_nothing() -> None:
    plane = shown(np.array([[-9999, 1, 3]], "i2"), missing=(-9999, 1e20, 0.5))
    assert (plane.header["range"], plane.header["finite"]) == ([1, 3], 2)
    assert wire.array(plane).tolist() == [[0, 1, 255]]
    assert codes(np.array([[1e20, 1, 3]], "f4"), missing=(1e20,)) == [0, 1, 255]


def test_truth_values_and_enumerations() -> None:
    assert codes([[True, False]]) == [255, 1]
    exact = shown([[True, False]], bits=0)
    assert (exact.header["type"], exact.header["codes"]) == ("u1", False)
    assert wire.array(exact).tolist() == [[1, 0]]


def test_logarithms_begin_at_the_least_value_above_zero() -> None:
    plane = shown([[-1.0, 0.0, 0.1, 1.0, 10.0]], scale="log")
    assert plane.header["domain"] == [0.1, 10]
    assert wire.array(plane).tolist() == [[0, 0, 1, 128, 255]]
    assert shown([[-1.0, 0.0]], scale="log").header["domain"] == [1, 10]
    typed = shown([[0.5, 8.0]], scale="log", domain=Limits(-1, 32))
    assert typed.header["domain"] == [0.5, 32]


def test_a_symmetric_logarithm_says_where_it_is_linear() -> None:
    plane = shown([[-10.0, 0.0, 10.0]], scale="symlog")
    assert plane.header["threshold"] == pytest.approx(0.01)
    assert wire.array(plane).tolist() == [[1, 128, 255]]
    typed = shown([[-10.0, 0.0, 10.0]], scale="symlog", threshold=2.0)
    assert typed.header["threshold"] == 2


def test_percentiles_are_values_that_there_are() -> None:
    array = np.arange(101.0).reshape(1, 101)
    asked = parse({"domain": "p10,p90"}, array.shape)
    plane = render(ReaderInMemory(array), asked, work())
    assert plane.header["domain"] == [10, 90]
    assert "domain_estimate" not in plane.header


def test_the_other_axis_as_rows_is_the_plane_turned_around() -> None:
    array = np.arange(24.0).reshape(2, 3, 4)
    request = PlaneRequest(rows=2, columns=0, at=(0, 1, 0), bits=0)
    plane = render(ReaderInMemory(array), request, work())
    assert wire.array(plane).tolist() == array[:, 1, :].T.tolist()
    coded = render(ReaderInMemory(array), replace(request, bits=8), work())
    assert wire.array(coded)[:, 0].tolist() == sorted(wire.array(coded)[:, 0].tolist())
