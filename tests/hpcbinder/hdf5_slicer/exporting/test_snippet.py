"""The Python that is offered reads exactly what is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from doubles.reader_in_memory import ReaderInMemory, work

from hpcbinder.slicer.exporting import snippet
from hpcbinder.slicer.planes import parse, render, wire

COMPOUND = np.dtype([("a b'c", "f4"), ("z", "c16")])
CUBE = np.random.default_rng(3).random((4, 5, 6))


def ran(tmp_path: Path, array: np.ndarray[Any, Any], path: str, asked: dict[str, str]) -> Any:
    """What the snippet's variable is, and what is shown for the same request."""
    file = tmp_path / 'it\'s "here".h5'
    with h5py.File(file, "w") as h5:
        h5[path] = array
    request = parse({**asked, "bits": "0"}, array.shape)
    code = snippet(str(file), path, request, array.shape, array.dtype)
    before: dict[str, Any] = {}
    exec(compile(code, "snippet", "exec"), before)
    names = set(before) - {"__builtins__", "h5py", "np", "file"}
    assert len(names) == 1
    shown = wire.array(render(ReaderInMemory(array), request, work()))
    return before[names.pop()], shown


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"at": "2,0,0"},
        {"rows": "2", "columns": "0", "at": "0,3,0"},
        {"window": "1,4,2,6", "step": "2"},
        {"rows": "1", "columns": "0", "at": "0,0,5", "window": "0,5,1,3"},
    ],
)
def test_planes(tmp_path: Path, asked: dict[str, str]) -> None:
    read, shown = ran(tmp_path, CUBE, "/group/data", asked)
    assert read.tolist() == shown.tolist()


def test_a_line(tmp_path: Path) -> None:
    read, shown = ran(tmp_path, CUBE, "/x", {"rows": "", "columns": "1", "at": "3,0,2"})
    assert read.tolist() == shown[0].tolist() == CUBE[3, :, 2].tolist()


@pytest.mark.parametrize("part", ["", "real", "imaginary", "abs", "phase"])
def test_parts_of_complex_values(tmp_path: Path, part: str) -> None:
    read, shown = ran(tmp_path, CUBE[0] + 1j, "/x", {"part": part})
    assert read == pytest.approx(shown)


@pytest.mark.parametrize("part", ["", "z/real", "z"])
def test_fields_of_compound_values(tmp_path: Path, part: str) -> None:
    array = np.zeros((2, 3), COMPOUND)
    array["a b'c"] = CUBE[0, :2, :3]
    array["z"] = CUBE[1, :2, :3] * 1j
    read, shown = ran(tmp_path, array, "/x", {"part": part, "rows": "1", "columns": "0"})
    assert read.tolist() == shown.tolist()


@pytest.mark.parametrize("path", ["/class", "/np", "/a/9 lives", "/it's", "/ρ", "/file"])
def test_any_name(tmp_path: Path, path: str) -> None:
    read, shown = ran(tmp_path, CUBE, path, {})
    assert read.tolist() == shown.tolist()


def test_it_reads_well() -> None:
    request = parse({"at": "2,0,0", "window": "0,5,1,6", "part": "abs"}, CUBE.shape)
    assert snippet("/data/run.h5", "/density", request, CUBE.shape, np.dtype("c8")) == (
        "import h5py\n"
        "import numpy as np\n"
        "\n"
        'with h5py.File("/data/run.h5", "r", locking=False) as file:\n'
        '    density = file["/density"][2, :, 1:]\n'
        "density = np.abs(density)\n"
    )
