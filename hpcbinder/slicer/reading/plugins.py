"""Filters of hdf5plugin's and h5py's own libraries, called outside of HDF5 and its lock.

Where a library has no such function, its filter is left to HDF5.
"""

from __future__ import annotations

import bz2
import ctypes
import glob
import os
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

try:
    from hdf5plugin import __file__ as hdf5plugin
except ImportError:
    # An image may be without it.
    hdf5plugin = ""

from .filters import Bytes, Undecodable, Undo, bomb

BZIP2, LZF, BLOSC, LZ4, BITSHUFFLE, ZSTD, BLOSC2 = 307, 32000, 32001, 32004, 32008, 32015, 32026
REVERSE = 0x0100
"""HDF5's flag for reading."""

_FILTER = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.c_uint,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_uint),
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_size_t),
    ctypes.POINTER(ctypes.c_void_p),
)


class _Class(ctypes.Structure):
    """H5Z_class2_t, by which a plug-in describes itself."""

    _fields_ = [
        ("version", ctypes.c_int),
        ("number", ctypes.c_int),
        ("encodes", ctypes.c_uint),
        ("decodes", ctypes.c_uint),
        ("name", ctypes.c_char_p),
        ("can_apply", ctypes.c_void_p),
        ("set_local", ctypes.c_void_p),
        ("filter", ctypes.c_void_p),
    ]


def found() -> dict[int, Undo]:
    """By their numbers, those that can be called here."""
    made: dict[int, Undo] = {BZIP2: _bunzip2}
    for number, load in (
        (LZF, _lzf),
        (LZ4, _lz4),
        (ZSTD, _zstd),
        (BLOSC, lambda: Plugin("blosc", BLOSC)),
        (BLOSC2, lambda: Plugin("blosc2", BLOSC2)),
        (BITSHUFFLE, lambda: Bitshuffle("bshuf", BITSHUFFLE)),
    ):
        try:
            made[number] = load()
        except (OSError, AttributeError, LookupError):
            continue
    return made


class Plugin:
    """A plug-in's own filter function.

    It is a copy of the library that was not told where HDF5 is: with what goes wrong, the one that
    HDF5 uses would write into HDF5's list of errors, from a thread that does not hold the lock.
    """

    def __init__(self, name: str, number: int) -> None:
        with open(_path(name), "rb") as library:
            # Kept open: another library by the same path would be taken for this one.
            self._file = os.memfd_create(name)
            os.sendfile(self._file, library.fileno(), 0, os.fstat(library.fileno()).st_size)
            self._library = ctypes.CDLL(f"/proc/self/fd/{self._file}")
        self._library.H5PLget_plugin_info.restype = ctypes.POINTER(_Class)
        described = self._library.H5PLget_plugin_info().contents
        if described.number != number:
            raise LookupError(name)
        self._filter = _FILTER(described.filter)
        self._memory = ctypes.CDLL(None)
        self._memory.malloc.restype = ctypes.c_void_p
        self._memory.malloc.argtypes = [ctypes.c_size_t]
        self._memory.free.argtypes = [ctypes.c_void_p]

    def __call__(self, made: Bytes, parameters: Sequence[int], most: int) -> Bytes:
        """It frees what it is given, and gives back memory of its own."""
        buffer = ctypes.c_void_p(self._memory.malloc(max(1, len(made))))
        try:
            ctypes.memmove(buffer, _address(made), len(made))
            size = ctypes.c_size_t(len(made))
            values = (ctypes.c_uint * len(parameters))(*parameters)
            length = self._filter(
                REVERSE,
                len(parameters),
                values,
                len(made),
                ctypes.byref(size),
                ctypes.byref(buffer),
            )
            if not 0 < length <= most or not buffer.value:
                raise Undecodable("The plug-in cannot undo it.")
            return (
                np.ctypeslib.as_array((ctypes.c_uint8 * length).from_address(buffer.value))
                .copy()
                .data
            )
        finally:
            self._memory.free(buffer)


class Bitshuffle(Plugin):
    """It believes what the blocks say of their lengths: so these are looked at before."""

    def __call__(self, made: Bytes, parameters: Sequence[int], most: int) -> Bytes:
        """Each block is its length and as many bytes; what fills none follows as it is."""
        if len(parameters) > 4 and parameters[4]:
            _check_blocks(made, parameters[2], most)
        return super().__call__(made, parameters, most)


def _check_blocks(made: Bytes, size: int, most: int) -> None:
    data = memoryview(made)
    total, block = int.from_bytes(data[:8], "big"), int.from_bytes(data[8:12], "big")
    if total > most or not size or block < 8 * size:
        raise Undecodable("The chunk has another size.")
    left, at = total, 12
    while left >= 8 * size and at <= len(data):
        # The last block is shorter, by whole eights of values.
        left -= block if left >= block else left // (8 * size) * 8 * size
        at += 4 + int.from_bytes(data[at : at + 4], "big")
    if at + left > len(data):
        raise Undecodable("The chunk is cut off.")


def _bunzip2(made: Bytes, parameters: Sequence[int], most: int) -> Bytes:
    stream = bz2.BZ2Decompressor()
    try:
        found = stream.decompress(made, max_length=most)
        more = b"" if stream.eof else stream.decompress(b"", max_length=1)
    except (OSError, EOFError) as error:
        raise Undecodable(str(error)) from error
    if more:
        raise bomb()
    if not stream.eof:
        # HDF5's own filter would wait for the end forever.
        raise OSError("a chunk is cut off")
    return found


def _lzf() -> Undo:
    function = ctypes.CDLL(h5py.h5z.__file__).lzf_decompress
    function.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p, ctypes.c_uint]
    function.restype = ctypes.c_uint

    def undo(made: Bytes, parameters: Sequence[int], most: int) -> Bytes:
        into = np.empty(most, np.uint8)
        length = function(_address(made), len(made), into.ctypes.data, most)
        return _whole(into, length, most)

    return undo


def _zstd() -> Undo:
    function = ctypes.CDLL(_path("zstd")).ZSTD_decompress
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t] * 2
    function.restype = ctypes.c_size_t

    def undo(made: Bytes, parameters: Sequence[int], most: int) -> Bytes:
        into = np.empty(most, np.uint8)
        length = function(into.ctypes.data, most, _address(made), len(made))
        if length > most:
            # HDF5 would take an error's number for a length, and show what was in memory.
            raise OSError("zstd cannot undo it")
        return _whole(into, length, most)

    return undo


def _lz4() -> Undo:
    function = ctypes.CDLL(_path("lz4")).LZ4_decompress_safe
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int]

    def undo(made: Bytes, parameters: Sequence[int], most: int) -> Bytes:
        """The size, that of a block, and blocks with their lengths before them, all big-endian."""
        data = memoryview(made)
        total, block = int.from_bytes(data[:8], "big"), int.from_bytes(data[8:12], "big")
        if total > most or not block:
            raise Undecodable("The chunk has another size.")
        into = np.empty(total, np.uint8)
        at = 12
        for begin in range(0, total, block):
            here = min(block, total - begin)
            length = int.from_bytes(data[at : at + 4], "big")
            part = data[at + 4 : at + 4 + length]
            at += 4 + length
            if len(part) != length:
                raise Undecodable("The chunk is cut off.")
            if length == here:
                into[begin : begin + here] = np.frombuffer(part, np.uint8)
            elif function(_address(part), into.ctypes.data + begin, length, here) != here:
                raise Undecodable("LZ4 cannot undo it.")
        return into.data

    return undo


def _path(name: str) -> str:
    if not hdf5plugin:
        raise LookupError(name)
    plugins = os.path.join(os.path.dirname(hdf5plugin), "plugins")
    for path in glob.glob(os.path.join(plugins, f"libh5{name}.*")):
        return path
    raise LookupError(name)


def _address(made: Bytes) -> int:
    return int(np.frombuffer(made, np.uint8).ctypes.data)


def _whole(into: np.ndarray[Any, np.dtype[np.uint8]], length: int, most: int) -> Bytes:
    if not 0 < length <= most:
        raise Undecodable("The chunk cannot be undone.")
    return into[:length].data
