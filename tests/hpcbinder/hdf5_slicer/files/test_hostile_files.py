"""Files that are damaged, or made to do harm: each request ends, in words, and with little memory.

They are looked at in processes of their own, as in use; one that HDF5 itself crashes or loops in
is ended there, and started anew.
"""

import json
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

TORN = Path(__file__).with_name("torn.py")
MOST_BYTES = 700 << 20


def looked_at(folder, *arguments):
    done = subprocess.run(
        [sys.executable, TORN, folder, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["bytes"] < MOST_BYTES
    assert "error" not in told["went"], done.stderr
    return told["went"]


@pytest.mark.slow
def test_files_that_are_damaged_by_chance(tmp_path):
    went = looked_at(tmp_path, 1000, 120)
    assert len(went["well"]) >= 118, went


def patched(path, at, value):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(value)


def test_values_that_claim_to_be_longer_than_anything(tmp_path):
    path = tmp_path / "long.h5"
    with h5py.File(path, "w") as file:
        lists = file.create_dataset("lists", (2,), h5py.vlen_dtype("f8"))
        lists[0] = [1.0, 2.0]
        texts = file.create_dataset("texts", (2,), h5py.string_dtype())
        texts[:] = ["ab", "c"]
        places = [lists.id.get_offset(), texts.id.get_offset()]
    for at in places:
        patched(path, at, b"\xff\xff\xff\x7f")
    assert looked_at(tmp_path, "long.h5") == {"well": ["long.h5"]}


@pytest.mark.slow
def test_chunks_that_are_bombs_or_of_absurd_shapes(tmp_path):
    row = np.dtype([("n", "i4"), ("v", "f4")])
    packer = zlib.compressobj(1)
    bomb = b"".join([*(packer.compress(bytes(1 << 24)) for _ in range(40)), packer.flush()])
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        for name in ("rows", "gzip"):
            dtype = row if name == "rows" else "f4"
            made = file.create_dataset(name, (128,), dtype, chunks=(128,), compression="gzip")
            made.id.write_direct_chunk((0,), bomb)
        file.create_dataset("wide", (1 << 50,), "u1", chunks=((1 << 32) - 1,), compression="gzip")
        file.create_dataset("many", (1 << 50,), "u1", chunks=(1,))
        file.create_dataset("axes", (2,) * 32, "u1", chunks=(1,) * 32)
    assert looked_at(tmp_path, "bomb.h5") == {"well": ["bomb.h5"]}


@pytest.mark.slow
def test_loops_depths_and_crowds(tmp_path):
    with h5py.File(tmp_path / "deep.h5", "w", libver="latest") as file:
        here = file
        for _ in range(2000):
            here = here.create_group("a")
        here["top"] = file["/"]
        file["a/self"] = file["a"]
        crowd = file.create_group("crowd")
        for number in range(20_000):
            crowd[str(number)] = h5py.SoftLink("/crowd")
        file.attrs["large"] = np.zeros(4 << 20)
        kind = np.dtype("f4")
        for _ in range(30):
            kind = np.dtype([("inner", kind)])
        file.create_dataset("nested", (3,), kind)
    assert looked_at(tmp_path, "deep.h5") == {"well": ["deep.h5"]}
