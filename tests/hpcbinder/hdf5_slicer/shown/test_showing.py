"""What a notebook's output says of an array, a data set or a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from hpcbinder.slicer.shown import MIME, show


def bundle(shown: object) -> dict[str, str]:
    return shown._repr_mimebundle_()[MIME]  # type: ignore[attr-defined,no-any-return]


def test_a_files_path_is_shown_from_wherever_the_kernel_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    h5py.File(tmp_path / "model.h5", "w").close()
    monkeypatch.chdir(tmp_path)
    expected = {"file": str(tmp_path / "model.h5"), "path": "/velocity"}
    assert bundle(show("model.h5", "velocity")) == expected


def test_a_file_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="name a file that this kernel can see"):
        show(tmp_path / "model.h5")


def test_what_was_written_to_an_open_data_set_is_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "run.h5"
    with h5py.File(file, "w", locking=False) as writing:
        writing["steps"] = np.arange(5)
        assert bundle(show(writing["steps"])) == {"file": str(file), "path": "/steps"}
        with h5py.File(file, locking=False) as read:
            assert list(read["steps"]) == [0, 1, 2, 3, 4]


def test_an_array_lies_in_a_file_until_its_kernel_ends(tmp_path: Path) -> None:
    code = """if True:
        import h5py, hpcbinder, numpy
        shown = hpcbinder.show(numpy.arange(6.0).reshape(2, 3))
        with h5py.File(shown.file) as file:
            print(file[shown.path][()].tolist(), shown.file)
    """
    command = [sys.executable, "-c", code]
    printed = subprocess.check_output(command, cwd=tmp_path, text=True).strip()
    assert printed.startswith(f"[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] {tmp_path}")
    assert list(tmp_path.iterdir()) == []


def test_an_array_of_texts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError, match="show numbers, booleans"):
        show(np.array(["a", "b"]))
    assert list(tmp_path.iterdir()) == []
