"""Filters are undone without HDF5 wherever that can be, and damage never becomes values."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.files.opened import Files
from hpcbinder.slicer.reading.filters import Undecodable, fletcher32, unshuffle
from hpcbinder.slicer.reading.pipeline import KNOWN, Pipeline
from hpcbinder.slicer.reading.readers import Readers
from hpcbinder.slicer.work import Work

WITHOUT_HDF5: dict[str, dict[str, Any]] = {
    "gzip": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "lzf": {"compression": "lzf", "shuffle": True},
    "blosc": dict(hdf5plugin.Blosc(cname="zstd", shuffle=hdf5plugin.Blosc.BITSHUFFLE)),
    "blosc2": dict(hdf5plugin.Blosc2()),
    "lz4": dict(hdf5plugin.LZ4()),
    "lz4 in blocks": dict(hdf5plugin.LZ4(nbytes=1000)),
    "bitshuffle": dict(hdf5plugin.Bitshuffle(cname="none")),
    "bitshuffle and lz4": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "bitshuffle and zstd": dict(hdf5plugin.Bitshuffle(cname="zstd", nelems=64)),
    "zstd": dict(hdf5plugin.Zstd()),
    "bzip2": dict(hdf5plugin.BZip2()),
}
BY_HDF5: dict[str, dict[str, Any]] = {
    "zfp": dict(hdf5plugin.Zfp(reversible=True)),
    "szip": {"compression": "szip"},
    "scale and offset": {"scaleoffset": 2},
}


def made(path: Path, options: dict[str, Any]) -> np.ndarray[Any, Any]:
    values = np.round(np.random.default_rng(3).normal(0, 9, (30, 41, 17)), 1).astype("f4")
    values[:10] = 7
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=values, chunks=(11, 20, 17), **options)
    return values


@pytest.mark.parametrize("options", WITHOUT_HDF5.values(), ids=WITHOUT_HDF5)
def test_without_hdf5(options: dict[str, Any], tmp_path: Path) -> None:
    values = made(tmp_path / "a.h5", options)
    with h5py.File(tmp_path / "a.h5") as file:
        pipeline = Pipeline.of(file["d"])
        chunks = [file["d"].id.read_direct_chunk((at, 0, 0)) for at in (0, 11, 22)]
    assert pipeline is not None
    for at, (mask, raw) in zip((0, 11, 22), chunks, strict=True):
        found = np.frombuffer(pipeline.undo(raw, mask, 11 * 20 * 17 * 4), "f4")
        here = values[at : at + 11, :20]
        np.testing.assert_array_equal(found.reshape(11, 20, 17)[: len(here)], here)


@pytest.mark.parametrize("options", [*WITHOUT_HDF5.values(), *BY_HDF5.values()], ids=str)
def test_as_h5py_reads_it_in_many_threads(
    options: dict[str, Any], tmp_path: Path, files: Files
) -> None:
    made(tmp_path / "a.h5", options)
    file = files.open(str(tmp_path / "a.h5"))
    readers = Readers(10_000, threads=4)
    reader = readers.of(file, file.h5["d"])
    expected = file.h5["d"][()]

    def read(at: int) -> None:
        found = reader.read((slice(None), slice(None), at % 17), Work(1 << 20, seconds=60))
        np.testing.assert_array_equal(found, expected[:, :, at % 17])

    with ThreadPoolExecutor(4) as several:
        list(several.map(read, range(40)))
    readers.close()


DAMAGED = [name for name in WITHOUT_HDF5 if name not in ("bitshuffle", "blosc2")]


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_cut_off_is_found_out(name: str, tmp_path: Path) -> None:
    made(tmp_path / "a.h5", WITHOUT_HDF5[name])
    with h5py.File(tmp_path / "a.h5") as file:
        pipeline = Pipeline.of(file["d"])
        mask, raw = file["d"].id.read_direct_chunk((11, 0, 0))
    assert pipeline is not None
    for length in (0, 3, 13, len(raw) // 2, len(raw) - 5):
        with pytest.raises((Undecodable, OSError)):
            pipeline.undo(raw[:length], mask, 11 * 20 * 17 * 4)


def test_a_chunk_that_would_unpack_to_more_than_it_holds(
    tmp_path: Path, files: Files, readers: Readers, work: Work
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("d", (100,), "u1", chunks=(100,), compression="gzip")
        data[...] = 1
        other = file.create_dataset("o", (1 << 26,), "u1", chunks=(1 << 26,), compression="gzip")
        other[...] = 0
        bomb = other.id.read_direct_chunk((0,))[1]
        data.id.write_direct_chunk((0,), bomb)
    file = files.open(str(tmp_path / "a.h5"))
    with pytest.raises(Refusal, match="unpacks to more than it holds"):
        readers.of(file, file.h5["d"]).read((), work)


def test_a_chunk_that_passed_no_filter(
    tmp_path: Path, files: Files, readers: Readers, work: Work
) -> None:
    values = np.arange(100, dtype="i8")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("d", data=values, chunks=(50,), compression="gzip", shuffle=True)
        data.id.write_direct_chunk((0,), values[50:].tobytes(), filter_mask=3)
    file = files.open(str(tmp_path / "a.h5"))
    found = readers.of(file, file.h5["d"]).read((), work)
    assert found.tolist() == [*range(50, 100), *range(50, 100)]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 8, 16])
def test_unshuffled(size: int) -> None:
    data = bytes(range(1, 100))
    whole = len(data) // size
    shuffled = np.frombuffer(data[: whole * size], "u1").reshape(whole, size).T.tobytes()
    assert bytes(unshuffle(shuffled + data[whole * size :], (size,), 0)) == data


@pytest.mark.parametrize("data", [b"", b"\0" * 9, b"\xff" * 70_001, bytes(range(256)) * 999])
def test_a_checksum_is_hdf5s(data: bytes, tmp_path: Path) -> None:
    if not data:
        assert fletcher32(data) == 0
        return
    with h5py.File(tmp_path / "a.h5", "w") as file:
        values = np.frombuffer(data, "u1")
        file.create_dataset("d", data=values, chunks=(len(data),), fletcher32=True)
        raw = file["d"].id.read_direct_chunk((0,))[1]
    assert fletcher32(data) == int.from_bytes(raw[-4:], "little")


def test_an_error_of_zstd_is_no_value(
    tmp_path: Path, files: Files, readers: Readers, work: Work
) -> None:
    made(tmp_path / "a.h5", WITHOUT_HDF5["zstd"])
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        _, raw = file["d"].id.read_direct_chunk((0, 0, 0))
        file["d"].id.write_direct_chunk((0, 0, 0), raw[: len(raw) // 2])
    file = files.open(str(tmp_path / "a.h5"))
    with pytest.raises(Refusal, match="zstd cannot undo it"):
        readers.of(file, file.h5["d"]).read((0,), work)


def test_all_that_is_installed_can_be_called() -> None:
    assert {1, 2, 3, 307, 32000, 32001, 32004, 32008, 32015, 32026} == set(KNOWN)


def test_a_filter_that_is_not_installed_is_named(
    tmp_path: Path,
    files: Files,
    readers: Readers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made(tmp_path / "a.h5", WITHOUT_HDF5["lz4"])
    file = files.open(str(tmp_path / "a.h5"))
    monkeypatch.delitem(KNOWN, 32004)
    h5py.h5z.unregister_filter(32004)
    try:
        with pytest.raises(Refusal, match=r"filter 32004 .*not installed here") as refused:
            readers.of(file, file.h5["d"])
    finally:
        hdf5plugin.register("lz4")
    assert refused.value.status == 422


def test_without_hdf5plugin_the_other_filters_are_there() -> None:
    program = (
        "import sys; sys.modules['hdf5plugin'] = None\n"
        "from hpcbinder.slicer.reading.pipeline import KNOWN; print(sorted(KNOWN))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[1, 2, 3, 307, 32000]", done.stderr
