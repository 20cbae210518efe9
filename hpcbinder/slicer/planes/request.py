"""What is asked to be shown: which plane of a data set, how much of it, and with which scale."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, TypeVar, Union

from ..errors import Refusal, wrong
from .pyramid import tile_window

Number = Union[int, float]
Known = TypeVar("Known", int, str)
SCALES = ("linear", "log", "symlog")
BITS = (0, 8, 16)


class Percentiles(NamedTuple):
    """The domain lies between two percentiles of what is read."""

    low: float
    high: float


class Limits(NamedTuple):
    """A domain that somebody typed or dragged."""

    low: Number
    high: Number


Domain = Union[str, Percentiles, Limits]
"""`slice` is what is read, `dataset` the whole data set."""


@dataclass(frozen=True)
class PlaneRequest:
    """`rows` and `columns` are the axes on the screen; a line has no rows. `at` has an index for
    each axis, of which those on the screen are ignored. `window`: row0, row1, column0, column1."""

    rows: int | None
    columns: int
    at: tuple[int, ...]
    window: tuple[int, int, int, int] | None = None
    step: int = 1
    bits: int = 8
    scale: str = "linear"
    domain: Domain = "slice"
    part: str = ""
    limit: int = 0
    """How many bytes the payload should have at most; 0: whatever is fastest to make."""
    threshold: float | None = None
    """Up to where a symmetric logarithm is about linear; None: a thousandth of the domain."""
    missing: tuple[Number, ...] = ()
    """Values that stand for nothing, such as the fill value."""


def parse(arguments: Mapping[str, str], shape: tuple[int, ...]) -> PlaneRequest:
    """Arguments that are about something else are left to others."""
    rank = len(shape)
    if rank == 0:
        raise Refusal(
            400,
            "This data set is a single value, and has no planes.",
            "Ask for its value.",
            "rank",
        )
    rows, columns = _axes(arguments, rank)
    window, step = _window(arguments, shape, rows, columns)
    return PlaneRequest(
        rows=rows,
        columns=columns,
        at=_at(arguments, shape, rows, columns),
        window=window,
        step=step,
        bits=_one_of("bits", _whole(arguments, "bits", 8), BITS),
        scale=_one_of("scale", arguments.get("scale") or "linear", SCALES),
        domain=_domain(arguments.get("domain") or "slice"),
        part=arguments.get("part", ""),
        limit=_whole(arguments, "limit", 0),
        threshold=_threshold(arguments.get("threshold", "")),
        missing=_numbers("missing", arguments.get("missing", "")),
    )


def _axes(arguments: Mapping[str, str], rank: int) -> tuple[int | None, int]:
    columns = _whole(arguments, "columns", rank - 1)
    asked = arguments.get("rows")
    rows: int | None
    if asked in ("", "none") or (asked is None and rank == 1):
        rows = None
    else:
        # Without a word, the last two axes; whoever names one of them gets the other beside it.
        rows = _whole(arguments, "rows", rank - 2 if columns == rank - 1 else rank - 1)
    for name, axis in (("rows", rows), ("columns", columns)):
        if axis is not None and axis >= rank:
            raise wrong(name, f"There is no axis {axis}: this data set has {rank}, from 0.")
    if rows == columns:
        raise wrong("rows", "Rows and columns are the same axis.")
    return rows, columns


def _at(
    arguments: Mapping[str, str], shape: tuple[int, ...], rows: int | None, columns: int
) -> tuple[int, ...]:
    asked = arguments.get("at", "")
    at = tuple(_integer("at", word) for word in asked.split(",")) if asked else (0,) * len(shape)
    if len(at) != len(shape):
        raise wrong("at", f"One index for each of the {len(shape)} axes is needed.")
    for axis, (index, size) in enumerate(zip(at, shape)):
        if axis in (rows, columns):
            continue
        if size == 0:
            raise Refusal(
                404,
                f"There is nothing along axis {axis} of this data set yet.",
                "Look again when something has been written.",
                "empty",
            )
        if not 0 <= index < size:
            raise wrong("at", f"Axis {axis} goes from 0 to {size - 1}; {index} is outside.")
    return at


def _window(
    arguments: Mapping[str, str], shape: tuple[int, ...], rows: int | None, columns: int
) -> tuple[tuple[int, int, int, int] | None, int]:
    plane = (1 if rows is None else shape[rows], shape[columns])
    if arguments.get("tile"):
        words = arguments["tile"].split(",")
        if len(words) != 3:
            raise wrong("tile", "It is level, row and column, such as 2,0,1.")
        level, row, column = (_integer("tile", word) for word in words)
        return tile_window(plane, level, row, column)
    step = _whole(arguments, "step", 1)
    if step == 0:
        raise wrong("step", "It is 1 or more.")
    if not arguments.get("window"):
        return None, step
    edges = [_integer("window", word) for word in arguments["window"].split(",")]
    if len(edges) != 4 or not (0 <= edges[0] <= edges[1] and 0 <= edges[2] <= edges[3]):
        raise wrong("window", "It is first row, end row, first column, end column: 0,100,0,200.")
    # A window may reach over the edge: what is there is answered, and the header says what it was.
    row0, row1 = (min(edge, plane[0]) for edge in edges[:2])
    column0, column1 = (min(edge, plane[1]) for edge in edges[2:])
    return (row0, row1, column0, column1), step


def _domain(text: str) -> Domain:
    if text in ("slice", "dataset"):
        return text
    words = [word.strip() for word in text.split(",")]
    if len(words) != 2:
        raise wrong("domain", "It is slice, dataset, two numbers (0,1.5) or percentiles (p1,p99).")
    if all(word.startswith("p") for word in words):
        low, high = sorted(_number("domain", word[1:]) for word in words)
        if low < 0 or high > 100:
            raise wrong("domain", "Percentiles go from p0 to p100.")
        return Percentiles(low, high)
    first, second = sorted(_number("domain", word) for word in words)
    return Limits(first, second)


def _threshold(text: str) -> float | None:
    if not text:
        return None
    value = float(_number("threshold", text))
    if value <= 0:
        raise wrong("threshold", "It is a number greater than 0.")
    return value


def _numbers(name: str, text: str) -> tuple[Number, ...]:
    return tuple(_number(name, word) for word in text.split(",") if word.strip())


def _number(name: str, text: str) -> Number:
    """Whole numbers stay whole: beyond 2^53, a float is another number."""
    value: Number = math.nan
    for kind in (int, float):
        with suppress(ValueError):
            value = kind(text)
            break
    if not abs(value) <= sys.float_info.max:
        raise wrong(name, f"“{text[:40]}” is no number, or too large.")
    return value


def _integer(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise wrong(name, f"“{text[:40]}” is no whole number.") from None


def _whole(arguments: Mapping[str, str], name: str, default: int) -> int:
    text = arguments.get(name, "")
    value = _integer(name, text) if text else default
    if value < 0:
        raise wrong(name, f"{value} is less than 0.")
    return value


def _one_of(name: str, value: Known, known: tuple[Known, ...]) -> Known:
    if value not in known:
        raise wrong(name, f"“{value}” is none of {', '.join(map(str, known))}.")
    return value
