"""Values that lie in raw files beside the HDF5 file."""

from __future__ import annotations

import io
import os

import h5py

from ..files.links import Links
from ..files.opened import Stamp
from .extents import Extent


class RawFiles:
    """Open as long as this is kept."""

    def __init__(self, dataset: h5py.Dataset, links: Links) -> None:
        plist = dataset.id.get_create_plist()
        left = dataset.size * dataset.dtype.itemsize
        self._files = []
        extents = []
        stamps = []
        for at in range(plist.get_external_count()):
            name, offset, size = plist.get_external(at)
            # HDF5 looks for them from the process's own folder on, and not from the file's.
            path = links.allowed(os.path.join(os.getcwd(), "file"), os.fsdecode(name))
            raw = io.FileIO(path)
            self._files.append(raw)
            stamps.append((path, Stamp.of(path)))
            extents.append(Extent(raw.fileno(), offset, min(size, left)))
            left -= extents[-1].size
        self.extents = tuple(extents)
        self.stamps = tuple(stamps)

    def current(self) -> bool:
        """Whether nobody has written them since."""
        try:
            return all(stamp == Stamp.of(path) for path, stamp in self.stamps)
        except OSError:
            return False
