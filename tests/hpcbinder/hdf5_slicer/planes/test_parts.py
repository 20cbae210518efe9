"""Complex and compound values have parts; one that can be drawn is found without being named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from doubles.reader_in_memory import ReaderInMemory, work

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.planes import parse, render, wire

COMPOUND = np.dtype([("name", "S3"), ("at/x", ">f8"), ("at", [("y", "c8")]), ("many", "f4", (2,))])


def exact(array: np.ndarray[Any, Any], part: str) -> tuple[str, list[float]]:
    request = parse({"part": part, "bits": "0"}, array.shape)
    plane = render(ReaderInMemory(array), request, work())
    return plane.header["part"], wire.array(plane).ravel().tolist()


def test_parts_of_complex_values() -> None:
    array = np.array([3 + 4j, -2])
    assert exact(array, "") == ("abs", [5, 2])
    assert exact(array, "real") == ("real", [3, -2])
    assert exact(array, "imaginary") == ("imaginary", [4, 0])
    assert exact(array, "phase")[1] == pytest.approx([np.arctan2(4, 3), np.pi])


def test_fields_of_compound_values() -> None:
    array = np.zeros(2, COMPOUND)
    array["at/x"] = [1, 2]
    array["at"]["y"] = [1j, 3]
    assert exact(array, "") == ("at/x", [1, 2])
    assert exact(array, "at/x") == ("at/x", [1, 2])
    assert exact(array, "at/y") == ("at/y/abs", [1, 3])
    assert exact(array, "at/y/imaginary") == ("at/y/imaginary", [1, 0])


@pytest.mark.parametrize(
    ("dtype", "part", "words"),
    [
        ("S5", "", "type text cannot be drawn"),
        ("O", "", "variable length"),
        ("f4", "real", "no part of values of the type float32"),
        ("c8", "angle", "no “angle”"),
        (COMPOUND, "nobody", "no “nobody”"),
        (COMPOUND, "name", "text"),
        (COMPOUND, "many", "cannot be drawn"),
        ([("a", "S1")], "", "None of this compound type's fields"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(dtype: Any, part: str, words: str) -> None:
    with pytest.raises(Refusal, match=words) as refused:
        exact(np.zeros(3, dtype), part)
    assert refused.value.status == 400
