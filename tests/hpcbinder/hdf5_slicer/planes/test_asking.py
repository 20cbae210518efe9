"""What may be asked for, and in which words anything else is refused."""

from __future__ import annotations

import pytest

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.planes import parse, plan
from hpcbinder.slicer.planes.request import Limits, Percentiles, PlaneRequest

CUBE = (10, 20, 30)


def test_without_a_word_it_is_the_last_two_axes() -> None:
    assert parse({}, CUBE) == PlaneRequest(rows=1, columns=2, at=(0, 0, 0))
    assert parse({}, (7,)) == PlaneRequest(rows=None, columns=0, at=(0,))


def test_a_plane_across_another_axis() -> None:
    request = parse({"rows": "2", "columns": "0", "at": "0,5,0", "step": "3"}, CUBE)
    selection = plan(request, CUBE)
    assert selection.key == (slice(0, 10, 3), 5, slice(0, 30, 3))
    assert (selection.shape, selection.swapped) == ((10, 4), True)


def test_who_names_one_axis_gets_another_one_beside_it() -> None:
    assert (parse({"columns": "1"}, CUBE).rows, parse({"rows": "0"}, CUBE).columns) == (2, 2)


def test_a_line_through_a_cube() -> None:
    request = parse({"rows": "", "columns": "0", "at": "0,4,6"}, CUBE)
    selection = plan(request, CUBE)
    assert selection.key == (slice(0, 10, 1), 4, 6)
    assert selection.shape == (1, 10)


def test_a_window_ends_where_the_plane_does() -> None:
    request = parse({"window": "5,500,28,40"}, CUBE)
    assert request.window == (5, 20, 28, 30)
    assert plan(request, CUBE).shape == (15, 2)


def test_a_tile_is_a_window_with_a_step() -> None:
    request = parse({"tile": "2,1,0"}, (3000, 5000))
    assert (request.window, request.step) == ((2048, 3000, 0, 2048), 4)


def test_domains() -> None:
    assert parse({"domain": "dataset"}, CUBE).domain == "dataset"
    assert parse({"domain": "p1,p99.5"}, CUBE).domain == Percentiles(1, 99.5)
    assert parse({"domain": "5,-2.5"}, CUBE).domain == Limits(-2.5, 5)
    exact = parse({"domain": "9007199254740993,9007199254740995"}, CUBE).domain
    assert exact == Limits(2**53 + 1, 2**53 + 3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"at": "1,2"}, "3 axes"),
        ({"at": "10,0,0"}, "Axis 0 goes from 0 to 9"),
        ({"at": "-1,0,0"}, "outside"),
        ({"at": "a,0,0"}, "“a” is no whole number"),
        ({"rows": "3"}, "no axis 3"),
        ({"rows": "2", "columns": "2"}, "same axis"),
        ({"step": "0"}, "1 or more"),
        ({"step": "-1"}, "less than 0"),
        ({"window": "1,2,3"}, "first row"),
        ({"window": "9,2,0,1"}, "first row"),
        ({"bits": "12"}, "none of 0, 8, 16"),
        ({"scale": "cubic"}, "none of linear, log, symlog"),
        ({"domain": "1"}, "two numbers"),
        ({"domain": "nan,1"}, "“nan” is no number"),
        ({"domain": "p-1,p5"}, "Percentiles"),
        ({"domain": f"0,{'9' * 400}"}, "too large"),
        ({"threshold": "1e400"}, "too large"),
        ({"missing": "9" * 400}, "too large"),
        ({"threshold": "0"}, "greater than 0"),
        ({"missing": "1,x"}, "“x” is no number"),
        ({"tile": "1"}, "level, row and column"),
        ({"tile": "9,0,0"}, "1 levels"),
        ({"tile": "0,5,0"}, "no tile 5, 0"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(arguments: dict[str, str], words: str) -> None:
    with pytest.raises(Refusal, match=words) as refused:
        parse(arguments, CUBE)
    assert (refused.value.status, refused.value.kind) == (400, "parameter")


def test_a_single_value_has_no_planes() -> None:
    with pytest.raises(Refusal, match="single value"):
        parse({}, ())


def test_where_nothing_has_been_written_yet() -> None:
    with pytest.raises(Refusal, match="nothing along axis 0") as refused:
        parse({}, (0, 5, 5))
    assert refused.value.status == 404
    assert plan(parse({}, (5, 0)), (5, 0)).shape == (5, 0)
