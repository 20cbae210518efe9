"""What a file is that somebody wants to see as HDF5, by its first bytes and not by its name."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..errors import Refusal

SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Kind:
    """What a file is; where that is not HDF5, a sentence and how to open it."""

    name: str
    sentence: str = ""
    advice: str = ""

    @property
    def hdf5(self) -> bool:
        return self.name == "hdf5"


HDF5 = Kind("hdf5")
EMPTY = Kind("empty", "This file is empty.", "Perhaps it is still to be written.")
TEXT = Kind(
    "text",
    "This is a text file and not HDF5.",
    "Open it with the editor; if a web page was saved in place of data, fetch the data again.",
)
UNKNOWN = Kind(
    "unknown",
    "This is not an HDF5 file: HDF5's signature is nowhere in it.",
    "It may be cut off or in another format; open it with the program that wrote it.",
)

# The first bytes, and what they tell.
BEGINNINGS = (
    (
        b"MATLAB 5.0 MAT-file",
        Kind(
            "matlab5",
            "This is a MATLAB file of version 5 to 7.2, which is not HDF5.",
            "Open it with scipy.io.loadmat, or save it in MATLAB with -v7.3.",
        ),
    ),
    (
        (b"CDF\x01", b"CDF\x02", b"CDF\x05"),
        Kind(
            "netcdf3",
            "This is a classic NetCDF file, which is not HDF5.",
            "Open it with xarray.open_dataset, or convert it with: nccopy -k nc4 old.nc new.nc",
        ),
    ),
    (
        b"\x0e\x03\x13\x01",
        Kind("hdf4", "This is an HDF4 file, which is not HDF5.", "Convert it with h4toh5."),
    ),
    (
        b"version https://git-lfs",
        Kind(
            "lfs",
            "This is a pointer of Git LFS and not the data itself.",
            "Fetch the data with: git lfs pull",
        ),
    ),
    (
        b"\x93NUMPY",
        Kind("npy", "This is a NumPy file and not HDF5.", "Open it with numpy.load."),
    ),
    (b"\x1f\x8b", Kind("gzip", "This file is compressed as a whole (gzip).", "Unpack it: gunzip")),
    (b"BZh", Kind("bzip2", "This file is compressed as a whole (bzip2).", "Unpack it: bunzip2")),
    (b"\xfd7zXZ", Kind("xz", "This file is compressed as a whole (xz).", "Unpack it: unxz")),
    (
        b"\x28\xb5\x2f\xfd",
        Kind("zstd", "This file is compressed as a whole (zstd).", "Unpack it: unzstd"),
    ),
    (b"PK\x03\x04", Kind("zip", "This is a ZIP archive and not HDF5.", "Unpack it: unzip")),
    (b"II*\0", Kind("tiff", "This is a TIFF image and not HDF5.", "Open it as an image.")),
    (b"MM\0*", Kind("tiff", "This is a TIFF image and not HDF5.", "Open it as an image.")),
)


def what_is(path: str) -> Kind:
    """Look at the file's first bytes and at the places where HDF5 may begin."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        beginning = file.read(512)
        if not beginning:
            return EMPTY
        # A block of the user's own may come first: 512 bytes, or twice that, or twice again.
        place = 0
        while place + len(SIGNATURE) <= size:
            file.seek(place)
            if file.read(len(SIGNATURE)) == SIGNATURE:
                return HDF5
            place = place * 2 or 512
    for start, kind in BEGINNINGS:
        if beginning.startswith(start):
            return kind
    return TEXT if _is_text(beginning) else UNKNOWN


def refuse_others(path: str) -> None:
    """`Refusal` 415 with a sentence if the file is not HDF5."""
    try:
        kind = what_is(path)
    except PermissionError:
        raise Refusal(
            403, "You may not read this file.", "Ask its owner to let you.", "permission"
        ) from None
    except OSError as error:
        raise Refusal(
            503, f"This file cannot be read now: {error.strerror}.", "Try again.", "unreadable"
        ) from None
    if not kind.hdf5:
        raise Refusal(415, kind.sentence, kind.advice, kind.name)


def _is_text(beginning: bytes) -> bool:
    # The last letter may be cut.
    letters = beginning.decode("utf-8", "ignore")
    whole = len(letters.encode()) > len(beginning) - 4
    return whole and all(letter.isprintable() or letter in "\t\r\n\f" for letter in letters)
