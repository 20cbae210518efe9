"""What has no fixed size (text, references, rows of any length) is HDF5's own business."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from ..work import Work
from .blocks import BLOCK, runs_of
from .grid import tiles
from .reader import Stamps
from .selection import Selection

GUESS = 64
"""Bytes of a value, where nobody knows how many there are."""


class Through:
    """Nothing is kept, and HDF5's lock is free between two parts."""

    verified = True

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset = dataset

    def fill(self, out: np.ndarray[Any, Any], selection: Selection, work: Work, among: int) -> None:
        """`out` has all of the selection's axes."""
        sizes = runs_of(selection.counts, GUESS, BLOCK)
        whole = Selection((0,) * out.ndim, selection.counts, (1,) * out.ndim, selection.kept)
        for tile in tiles(whole, sizes):
            work.check()
            places = zip(selection.starts, selection.steps, tile.target)
            here = tuple(
                slice(start + step * part.start, start + step * (part.stop - 1) + 1, step)
                for start, step, part in places
            )
            out[tile.target] = self._dataset[here]

    def ahead(self, selection: Selection, axis: int, direction: int, among: int) -> None:
        """Nothing can be prepared."""

    def stamps(self, selection: Selection) -> Stamps:
        """All of it lies in its own file."""
        return ()

    def current(self) -> bool:
        """As long as that file is."""
        return True
