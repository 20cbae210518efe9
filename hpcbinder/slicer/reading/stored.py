"""Which way a data set is read: what its bytes in the file are, and where they lie."""

from __future__ import annotations

import h5py
from h5py import h5d, h5t

from .blocks import Asked, Blocks, Chunked, Contiguous
from .extents import Extent
from .pipeline import Pipeline

LAYOUTS = {
    h5d.COMPACT: "compact",
    h5d.CONTIGUOUS: "contiguous",
    h5d.CHUNKED: "chunked",
    h5d.VIRTUAL: "virtual",
}


def layout(dataset: h5py.Dataset) -> str:
    """How its values are stored."""
    plist = dataset.id.get_create_plist()
    if plist.get_external_count():
        return "external"
    return LAYOUTS[plist.get_layout()]


def as_it_is(dataset: h5py.Dataset) -> bool:
    """Whether the bytes in the file are those that h5py would have in memory."""
    dtype = dataset.dtype
    if dtype.hasobject:
        return False
    stored = dataset.id.get_type()
    try:
        made = h5t.py_create(dtype, logical=True)
    except (TypeError, ValueError):
        return False
    return bool(stored.get_size() == dtype.itemsize and stored.equal(made))


def blocks(dataset: h5py.Dataset, fd: int) -> Blocks:
    """Of chunked, contiguous and compact data sets of one file, whose descriptor this is."""
    kind = layout(dataset)
    if not as_it_is(dataset) or _displaced(dataset):
        return Asked(dataset)
    if kind == "chunked":
        return Chunked(dataset, fd, Pipeline.of(dataset))
    offset = dataset.id.get_offset()
    if kind != "contiguous" or offset is None:
        return Asked(dataset)
    nbytes = dataset.size * dataset.dtype.itemsize
    if dataset.id.get_storage_size() != nbytes:
        return Asked(dataset)
    return Contiguous(dataset.shape, dataset.dtype, (Extent(fd, offset, nbytes),))


def _displaced(dataset: h5py.Dataset) -> bool:
    """Before a file's HDF5 part, others may have bytes; versions differ in whence they count."""
    return bool(dataset.file.userblock_size)
