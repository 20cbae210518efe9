"""What the first look at a data set waits for, and what it leaves for those that follow."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hpcbinder.slicer.files.opened import Files
from hpcbinder.slicer.reading import filters, pipeline
from hpcbinder.slicer.reading.reader import Reader
from hpcbinder.slicer.reading.readers import Readers
from hpcbinder.slicer.work import Work

VALUES = np.random.default_rng(1).integers(0, 50, (64, 48, 40)).astype("f4")
CHUNK = 32
PLANE = CHUNK * CHUNK * 4


def opened(path: Path, files: Files, readers: Readers, **options: Any) -> Reader:
    with h5py.File(path, "w") as made:
        made.create_dataset("d", data=VALUES, **options)
    file = files.open(str(path))
    return readers.of(file, file.h5["d"])


@pytest.fixture
def readers() -> Iterator[Readers]:
    """With room for everything."""
    readers = Readers(64 << 20, threads=2)
    yield readers
    readers.close()


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes of each chunk were unpacked."""
    seen: list[int] = []

    def begun(made: filters.Bytes, nbytes: int) -> bytes:
        seen.append(nbytes)
        return filters.begun(made, nbytes)

    monkeypatch.setattr(pipeline, "begun", begun)
    return seen


@pytest.mark.parametrize(("at", "planes"), [(0, 8), (13, 16), (31, 32), (32, 8)])
def test_the_first_plane_unpacks_no_more_of_its_chunks_than_lies_before_it(
    at: int, planes: int, tmp_path: Path, files: Files, readers: Readers, work: Work,
    unpacked: list[int],
) -> None:  # fmt: skip
    reader = opened(tmp_path / "a.h5", files, readers, chunks=(CHUNK,) * 3, compression="gzip")
    np.testing.assert_array_equal(reader.read((at,), work), VALUES[at])
    # A chunk that is needed to its end has its checksum looked at.
    assert unpacked == ([planes * PLANE] * 4 if planes < CHUNK else [])
    unpacked.clear()
    for near in (at, at ^ 1, at ^ 16):
        np.testing.assert_array_equal(reader.read((near,), work), VALUES[near])
    assert unpacked == []


@pytest.mark.parametrize("options", [{"shuffle": True}, {"fletcher32": True}])
def test_other_filters_need_the_whole_chunk(
    options: dict[str, Any], tmp_path: Path, files: Files, readers: Readers, work: Work,
    unpacked: list[int],
) -> None:  # fmt: skip
    chunks = {"chunks": (CHUNK,) * 3, "compression": "gzip"}
    reader = opened(tmp_path / "a.h5", files, readers, **chunks, **options)
    np.testing.assert_array_equal(reader.read((0,), work), VALUES[0])
    assert unpacked == []


def test_a_chunk_whose_beginning_is_torn_is_hdf5s_to_judge(
    tmp_path: Path, files: Files, readers: Readers, work: Work, unpacked: list[int]
) -> None:
    reader = opened(tmp_path / "a.h5", files, readers, chunks=(64, 48, 40), compression="gzip")
    place = files.open(str(tmp_path / "a.h5")).h5["d"].id.get_chunk_info(0)
    with (tmp_path / "a.h5").open("r+b") as file:
        file.seek(place.byte_offset + 2)
        file.write(bytes([0xFF]) * 64)
    with pytest.raises(Exception, match="cannot be read"):
        reader.read((0,), work)
    assert unpacked


@pytest.mark.parametrize("options", [{}, {"chunks": (CHUNK,) * 3}, {"chunks": (1, 48, 40)}])
def test_whoever_slides_waits_once(
    options: dict[str, Any], tmp_path: Path, files: Files, readers: Readers, work: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    reader = opened(tmp_path / "a.h5", files, readers, **options)
    reads: list[int] = []
    for name in ("pread", "preadv"):
        whole = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *of, whole=whole: reads.append(1) or whole(*of))
    waited = []
    for at in range(32):
        key = (slice(None), slice(None), at)
        reader.ahead(key, 2, 1)
        before = len(reads)
        np.testing.assert_array_equal(reader.read(key, work), VALUES[key])
        waited.append(len(reads) > before)
        until_idle(readers)
    assert waited == [True] + [False] * 31


def until_idle(readers: Readers) -> None:
    end = time.monotonic() + 60
    while readers.pieces.busy:
        assert time.monotonic() < end
        time.sleep(0.001)
