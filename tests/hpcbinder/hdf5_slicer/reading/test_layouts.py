"""However a data set is stored, what is read is what h5py reads."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.files import opened
from hpcbinder.slicer.files.opened import Files
from hpcbinder.slicer.reading.readers import Readers
from hpcbinder.slicer.work import Work

SHAPE = (21, 34, 55)
VALUES = np.arange(np.prod(SHAPE), dtype="f4").reshape(SHAPE) / 7
KEYS = [
    (3,),
    (slice(None), 33),
    (slice(None), slice(None), 54),
    (slice(2, 20, 5), slice(None, None, 3), 7),
    (slice(1, 2), slice(30, 34), slice(50, 55)),
    (-1, slice(5, 5)),
    (slice(None, None, 9), slice(None, None, 11), slice(None, None, 13)),
    (4, 5, 6),
    (),
]
CHUNKED: dict[str, dict[str, Any]] = {
    "plain": {"chunks": (8, 8, 8)},
    "gzip": {"chunks": (8, 16, 8), "compression": "gzip"},
    "gzip and shuffle": {"chunks": (5, 7, 11), "compression": "gzip", "shuffle": True},
    "checksum": {"chunks": (8, 8, 8), "fletcher32": True},
    "everything": {
        "chunks": (4, 34, 3),
        "compression": "gzip",
        "shuffle": True,
        "fletcher32": True,
    },
    "a plane per chunk": {"chunks": (1, 34, 55)},
    "lossy": {"chunks": (8, 8, 8), "scaleoffset": 3},
    "contiguous": {},
}


def same(found: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> None:
    assert found.dtype == expected.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, expected, strict=False)
    assert found.shape == np.shape(expected)


@pytest.mark.parametrize("options", CHUNKED.values(), ids=CHUNKED)
def test_every_layout(
    options: dict[str, Any], tmp_path: Path, files: Files, readers: Readers, work: Work
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as made:
        made.create_dataset("d", data=VALUES, **options)
    file = files.open(str(tmp_path / "a.h5"))
    reader = readers.of(file, file.h5["d"])
    assert reader.layout == ("chunked" if options else "contiguous")
    for key in KEYS:
        # Twice: read, and from the cache.
        same(reader.read(key, work), file.h5["d"][key])
        same(reader.read(key, work), file.h5["d"][key])


@pytest.mark.parametrize("budget", [1 << 10, 20_000, 1 << 30])
@pytest.mark.parametrize("options", CHUNKED.values(), ids=CHUNKED)
def test_a_whole_walk_with_what_comes_next_prepared(
    options: dict[str, Any], budget: int, tmp_path: Path, files: Files, work: Work
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as made:
        made.create_dataset("d", data=VALUES, **options)
    file = files.open(str(tmp_path / "a.h5"))
    readers = Readers(budget, threads=2)
    reader = readers.of(file, file.h5["d"])
    for axis, length in enumerate(SHAPE):
        for at in [*range(length), *reversed(range(length))]:
            key = (slice(None),) * axis + (at,)
            same(reader.read(key, work), file.h5["d"][key])
            reader.ahead(key, axis, 1)
    assert readers.pieces.held <= budget
    readers.close()


STORED = {
    "big-endian": np.arange(24, dtype=">i4"),
    "half": np.linspace(0, 1, 24).astype(">f2"),
    "complex": np.linspace(0, 1, 24).astype("c16") * 1j,
    "boolean": np.arange(24) % 3 == 0,
    "compound": np.array([(i, i / 3) for i in range(24)], [("a", ">i2"), ("b", "f8")]),
    "fixed text": np.array([b"a", b"bc", b""] * 8),
    "array": np.zeros(24, [("v", "f4", (3,))]),
    "opaque": np.arange(24).astype("V8"),
}


@pytest.mark.parametrize("values", STORED.values(), ids=STORED)
@pytest.mark.parametrize("options", [{}, {"chunks": (5,), "compression": "gzip"}])
def test_every_type(
    values: np.ndarray[Any, Any],
    options: dict[str, Any],
    tmp_path: Path,
    files: Files,
    readers: Readers,
    work: Work,
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as made:
        made.create_dataset("d", data=values, **options)
    file = files.open(str(tmp_path / "a.h5"))
    reader = readers.of(file, file.h5["d"])
    for key in ((), (slice(3, 4),), (slice(2, 20, 3),)):
        same(reader.read(key, work), file.h5["d"][key])
    assert reader.read((3,), work)[()] == values[3]


def test_text_references_and_rows_of_any_length(
    tmp_path: Path, files: Files, readers: Readers, work: Work
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as made:
        made["text"] = ["ä", "b" * 1000, ""] * 5
        made["scalar"] = "one"
        made.create_dataset("ref", data=[made["text"].ref] * 3, dtype=h5py.ref_dtype)
        rows = made.create_dataset("rows", (3,), h5py.vlen_dtype("i4"))
        rows[1] = [1, 2, 3]
    file = files.open(str(tmp_path / "a.h5"))
    found = {name: readers.of(file, file.h5[name]).read((), work) for name in file.h5}
    assert found["text"].tolist() == ["ä".encode(), b"b" * 1000, b""] * 5
    assert found["scalar"][()] == b"one"
    assert [file.h5[ref].name for ref in found["ref"]] == ["/text"] * 3
    assert [row.tolist() for row in found["rows"]] == [[], [1, 2, 3], []]
    some = readers.of(file, file.h5["text"]).read((slice(1, 9, 3),), work)
    assert some.tolist() == [b"b" * 1000] * 3


def test_what_was_never_written_is_the_fill_value(
    tmp_path: Path, files: Files, readers: Readers, work: Work
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as made:
        for name, options in (("chunked", {"chunks": (4, 4)}), ("contiguous", {})):
            made.create_dataset(name, (10, 10), "i2", fillvalue=-7, **options)
        made["chunked"][5, 5] = 1
        made.create_dataset("none", data=h5py.Empty("f4"))
        made.create_dataset("of size 0", (0, 3), "f4")
        made.create_dataset("compact", data=np.arange(5), dcpl=_compact())
    file = files.open(str(tmp_path / "a.h5"))
    for name in ("chunked", "contiguous", "of size 0", "compact"):
        same(readers.of(file, file.h5[name]).read((), work), file.h5[name][()])
    assert readers.of(file, file.h5["compact"]).layout == "compact"
    with pytest.raises(Refusal, match="has no values"):
        readers.of(file, file.h5["none"])


def test_a_torn_chunk_is_told_in_words_and_not_in_values(
    tmp_path: Path, files: Files, readers: Readers, work: Work
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as made:
        made.create_dataset("d", data=np.arange(100.0), chunks=(50,), fletcher32=True)
        where = made["d"].id.get_chunk_info(1).byte_offset
    with path.open("r+b") as torn:
        torn.seek(where)
        torn.write(b"x")
    file = files.open(str(path))
    reader = readers.of(file, file.h5["d"])
    assert reader.verified
    same(reader.read((slice(0, 50),), work), np.arange(50.0))
    with pytest.raises(Refusal, match="cannot be read") as refused:
        reader.read((slice(0, 51),), work)
    assert refused.value.status == 422


def test_what_was_read_while_it_was_written_is_read_again_when_it_is_not(
    tmp_path: Path, files: Files, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as made:
        made["d"] = VALUES
    file = files.open(str(path))
    reader = readers.of(file, file.h5["d"])
    while_written = reader.etag((3,))
    assert not reader.verified
    later = time.monotonic() + 2 * opened.RECENT
    clock = SimpleNamespace(monotonic=lambda: later, time=lambda: time.time() + 2 * opened.RECENT)
    monkeypatch.setattr(opened, "time", clock)
    file = files.open(str(path))
    settled = readers.of(file, file.h5["d"])
    assert settled.verified
    assert settled.etag((3,)) != while_written
    assert readers.of(files.open(str(path)), file.h5["d"]) is settled


def test_what_is_not_there_is_refused(
    tmp_path: Path, files: Files, readers: Readers, work: Work
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as made:
        made["d"] = VALUES
        made.create_dataset("dust", (1000, 1000), "u1", chunks=(1, 1))
    file = files.open(str(tmp_path / "a.h5"))
    reader = readers.of(file, file.h5["d"])
    for key in ((21,), (0, 0, 0, 0), (slice(None, None, -1),)):
        with pytest.raises(Refusal) as refused:
            reader.read(key, work)
        assert refused.value.status == 400
    with pytest.raises(Refusal, match="1,000,000 chunks"):
        readers.of(file, file.h5["dust"]).read((), work)
    with pytest.raises(Refusal) as refused:
        reader.read((), Work(1000, seconds=60))
    assert refused.value.status == 413


def _compact() -> Any:
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    return plist
