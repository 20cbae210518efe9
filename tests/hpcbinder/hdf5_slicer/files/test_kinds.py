"""What a file is that its name says is HDF5."""

import gzip

import h5py
import pytest

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.files.kinds import refuse_others, what_is


@pytest.mark.parametrize(
    ("beginning", "kind", "word"),
    [
        (b"", "empty", "empty"),
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(90), "matlab5", "scipy.io.loadmat"),
        (b"CDF\x01" + bytes(60), "netcdf3", "nccopy"),
        (b"CDF\x05" + bytes(60), "netcdf3", "nccopy"),
        (b"\x0e\x03\x13\x01" + bytes(60), "hdf4", "h4toh5"),
        (b"version https://git-lfs.github.com/spec/v1\n", "lfs", "git lfs pull"),
        (gzip.compress(b"x" * 1000), "gzip", "gunzip"),
        (b"<html><body>Log in, S\xc3\xa9bastien</body></html>", "text", "text file"),
        (bytes(range(256)) * 20, "unknown", "signature"),
    ],
)
def test_a_file_that_is_not_hdf5_gets_a_sentence_and_a_way_to_open_it(
    tmp_path, beginning, kind, word
):
    (tmp_path / "data.h5").write_bytes(beginning)
    assert what_is(str(tmp_path / "data.h5")).name == kind
    with pytest.raises(Refusal) as refusal:
        refuse_others(str(tmp_path / "data.h5"))
    assert refusal.value.status == 415
    assert word in str(refusal.value)


@pytest.mark.parametrize("before", [0, 512, 1024, 1 << 16])
def test_hdf5_may_begin_after_a_block_of_the_users_own(tmp_path, before):
    path = tmp_path / "data.mat"
    with h5py.File(path, "w", userblock_size=before) as file:
        file["x"] = [1.0]
    if before:
        with path.open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file")
    assert what_is(str(path)).hdf5
    refuse_others(str(path))
