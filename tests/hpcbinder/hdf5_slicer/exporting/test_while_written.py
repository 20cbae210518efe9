"""A file is taken away whole, as it was at one time, whether or not somebody writes it."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from hpcbinder.slicer.answers.exports import exported
from hpcbinder.slicer.answers.looking import Looking
from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.files import opened
from hpcbinder.slicer.process.settings import Settings
from hpcbinder.slicer.work import Work

FIRST = np.arange(2048 * 1024, dtype="f4").reshape(2048, 1024)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Written a moment ago."""
    path = tmp_path / "model.h5"
    write(path, FIRST)
    return path


def write(path: Path, values: np.ndarray[Any, Any]) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=values, chunks=(64, 1024))


def parts_of(path: Path) -> Iterator[bytes]:
    settings = Settings(
        roots=(("files", str(path.parent)),),
        cache_bytes=64 << 20,
        memory_bytes=2 << 30,
        request_bytes=1 << 30,
        answer_bytes=64 << 20,
        seconds=60,
        requests=4,
        decoders=2,
    )
    arguments = {"file": path.name, "path": "/data", "format": "npy"}
    parts = exported(Looking(settings), arguments, Work(1 << 30, 60)).parts
    assert parts is not None
    return map(bytes, parts)


def test_a_file_that_was_written_just_before_is_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = parts_of(path)
    taken = [next(parts), next(parts)]
    # Then it is opened once more, since nobody could know; but nothing has changed.
    later = time.monotonic() + 2 * opened.RECENT
    monkeypatch.setattr(opened, "time", SimpleNamespace(monotonic=lambda: later, time=time.time))
    taken.extend(parts)
    assert np.array_equal(np.load(io.BytesIO(b"".join(taken))), FIRST)


def test_what_is_written_right_after_it_began_ends_it(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    write(other, -FIRST)
    path.touch()
    instant = path.stat()
    parts = parts_of(path)
    taken = [next(parts), next(parts)]
    path.write_bytes(other.read_bytes())
    with pytest.raises(Refusal) as refused:
        taken.extend(parts)
    assert refused.value.as_dict()["reason"] == "changed"
    # It had not begun before a change could be seen.
    assert path.stat().st_mtime_ns - instant.st_mtime_ns > opened.TICK * 1e9
