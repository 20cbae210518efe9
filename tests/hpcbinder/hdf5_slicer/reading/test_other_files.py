"""Values that lie in other files: virtual sources and raw files, within the roots alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.files.links import Links
from hpcbinder.slicer.files.opened import Files
from hpcbinder.slicer.reading.readers import Readers
from hpcbinder.slicer.roots import Roots
from hpcbinder.slicer.work import Work

VALUES = np.arange(6 * 20 * 30, dtype="i4").reshape(6, 20, 30)
KEYS: list[tuple[int | slice, ...]] = [
    (),
    (3,),
    (slice(None), 4),
    (slice(None), slice(None), 29),
    (slice(1, None, 2), slice(3, 19, 5), slice(2, None, 7)),
    (5, slice(19, 20), slice(None, None, 4)),
]


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    place = tmp_path / "in"
    place.mkdir()
    return place


@pytest.fixture
def reading(roots: Path, files: Files) -> Any:
    links = Links(Roots([("home", str(roots))]), files.open)
    readers = Readers(1 << 20, threads=2, links=links)
    yield readers
    readers.close()


def virtual(place: Path, name: str = "all.h5") -> str:
    """A plane from each source; one is missing, one has steps, one overlaps another."""
    layout = h5py.VirtualLayout(VALUES.shape, "i4")
    for at in range(5):
        layout[at] = h5py.VirtualSource(f"{at}.h5", "d", shape=VALUES.shape[1:])
        if at != 3:
            with h5py.File(place / f"{at}.h5", "w") as made:
                made.create_dataset("d", data=VALUES[at], chunks=(7, 7), compression="gzip")
    steps = h5py.VirtualSource("0.h5", "d", shape=VALUES.shape[1:])
    layout[5, ::2, 3:30:3] = steps[0:20:2, 0:9]
    layout[2, 5:9, 5:9] = h5py.VirtualSource("4.h5", "d", shape=VALUES.shape[1:])[1:5, 1:5]
    with h5py.File(place / name, "w") as made:
        made.create_virtual_dataset("v", layout, fillvalue=-1)
    return str(place / name)


def test_a_virtual_data_set(roots: Path, files: Files, reading: Readers, work: Work) -> None:
    file = files.open(virtual(roots))
    reader = reading.of(file, file.h5["v"])
    assert reader.layout == "virtual"
    for key in KEYS:
        np.testing.assert_array_equal(reader.read(key, work), file.h5["v"][key])
    for axis, length in enumerate(VALUES.shape):
        for at in range(length):
            key = (slice(None),) * axis + (at,)
            reader.ahead(key, axis, 1)
            np.testing.assert_array_equal(reader.read(key, work), file.h5["v"][key])


def test_one_source_changes_and_only_what_touches_it_is_another(
    roots: Path, files: Files, reading: Readers, work: Work
) -> None:
    path = virtual(roots)
    file = files.open(path)
    with file.using():
        reader = reading.of(file, file.h5["v"])
        assert reader.read((0, 0, 0), work) == 0
        tags = reader.etag((0,)), reader.etag((1,))
    with h5py.File(roots / "new.h5", "w") as made:
        made["d"] = VALUES[0] + 7
    os.replace(roots / "new.h5", roots / "0.h5")
    with file.using():
        reader = reading.of(file, file.h5["v"])
        assert reader.read((0, 0, 0), work) == 7
        assert reader.etag((1,)) == tags[1]
        assert reader.etag((0,)) != tags[0]


def test_what_is_no_box_is_left_to_hdf5(
    roots: Path, files: Files, reading: Readers, work: Work
) -> None:
    with h5py.File(roots / "source.h5", "w") as made:
        made["d"] = VALUES
    layout = h5py.VirtualLayout((3, 20 * 30), "i8")
    layout[1] = h5py.VirtualSource("source.h5", "d", shape=VALUES.shape)[1]
    with h5py.File(roots / "all.h5", "w") as made:
        made.create_virtual_dataset("reshaped and converted", layout, fillvalue=3)
    file = files.open(str(roots / "all.h5"))
    reader = reading.of(file, file.h5["reshaped and converted"])
    found = reader.read((), work)
    np.testing.assert_array_equal(found, [[3] * 600, VALUES[1].ravel(), [3] * 600])
    assert reader.etag(()) != reader.etag(())


def test_raw_files(
    roots: Path, files: Files, reading: Readers, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(roots)
    with h5py.File("a.h5", "w") as made:
        parts = [("one.raw", 16, 4000), ("two.raw", 0, h5py.h5f.UNLIMITED)]
        made.create_dataset("d", VALUES.shape, "i4", external=parts)
        made["d"][...] = VALUES
    file = files.open(str(roots / "a.h5"))
    reader = reading.of(file, file.h5["d"])
    assert reader.layout == "external"
    for key in KEYS:
        np.testing.assert_array_equal(reader.read(key, work), VALUES[key])
    tag = reader.etag(())
    with open("one.raw", "r+b") as raw:
        raw.seek(16)
        raw.write(b"\1\1\0\0")
    os.utime("one.raw", (1, 1))
    assert reading.of(file, file.h5["d"]).etag(()) != tag
    assert reading.of(file, file.h5["d"]).read((0, 0, 0), work) == 257


def test_what_lies_outside_is_refused(
    tmp_path: Path, roots: Path, files: Files, reading: Readers, work: Work
) -> None:
    path = virtual(roots)
    os.replace(roots / "1.h5", tmp_path / "1.h5")
    os.symlink(tmp_path / "1.h5", roots / "1.h5")
    file = files.open(path)
    with pytest.raises(Refusal, match="outside of the folders") as refused:
        reading.of(file, file.h5["v"])
    assert refused.value.status == 403


def test_a_huge_one_costs_what_is_shown(roots: Path, files: Files, reading: Readers) -> None:
    """200 GB, of which one plane was written."""
    with h5py.File(roots / "s.h5", "w") as made:
        sparse = made.create_dataset("d", (5000, 5000, 2000), "f4", chunks=(50, 50, 50))
        sparse[100, 200, :50] = 1.5
    layout = h5py.VirtualLayout((5000, 5000, 2000), "f4")
    layout[...] = h5py.VirtualSource("s.h5", "d", shape=(5000, 5000, 2000))
    with h5py.File(roots / "v.h5", "w") as made:
        made.create_virtual_dataset("v", layout)
    file = files.open(str(roots / "v.h5"))
    reader = reading.of(file, file.h5["v"])
    work = Work(100 << 20, seconds=60)
    found = reader.read((100, slice(None), slice(None)), work)
    assert (found.sum(), found[200, 49]) == (75.0, 1.5)
    assert reading.pieces.held <= 1 << 20
