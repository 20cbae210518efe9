"""The filters of one data set, undone in the reverse order."""

from __future__ import annotations

import os
from dataclasses import dataclass

import h5py

from ..errors import Refusal
from . import plugins
from .filters import (
    CHECKSUM,
    DEFLATE,
    FLETCHER32,
    SHUFFLE,
    Bytes,
    Undecodable,
    Undo,
    begun,
    inflate,
    unshuffle,
    verify,
)

KNOWN: dict[int, Undo] = {
    DEFLATE: inflate,
    SHUFFLE: unshuffle,
    FLETCHER32: verify,
    **plugins.found(),
}
SLACK = 1 << 16
"""Bytes that a filter may have added to data that it could not make smaller."""


@dataclass(frozen=True)
class Stage:
    """One filter, by its place in the file's list."""

    number: int
    parameters: tuple[int, ...]
    undo: Undo


@dataclass(frozen=True)
class Pipeline:
    """All filters of a data set."""

    stages: tuple[Stage, ...]

    @classmethod
    def of(cls, dataset: h5py.Dataset) -> Pipeline | None:
        """None if one of the filters can be undone by HDF5 alone."""
        plist = dataset.id.get_create_plist()
        stages = []
        for place in range(plist.get_nfilters()):
            number, _, parameters, name = plist.get_filter(place)
            undo = KNOWN.get(number)
            if undo is None and not h5py.h5z.filter_avail(number):
                raise _unknown(number, os.fsdecode(name))
            if undo is None:
                return None
            stages.append(Stage(number, tuple(parameters), undo))
        return cls(tuple(stages))

    @property
    def checksummed(self) -> bool:
        """Whether what was torn by a writer is found out."""
        return any(stage.number == FLETCHER32 for stage in self.stages)

    @property
    def begins(self) -> bool:
        """Whether the first bytes of a chunk can be had without the others."""
        return [stage.number for stage in self.stages] == [DEFLATE]

    def applied(self, mask: int) -> list[Stage]:
        """Those that a chunk has passed through: its mask names those that were left out."""
        return [stage for place, stage in enumerate(self.stages) if not mask >> place & 1]

    def undo(self, made: Bytes, mask: int, nbytes: int, more: bool = False) -> Bytes:
        """The chunk's bytes, exactly `nbytes` of them; `more`: those are not all that there are."""
        if more:
            return begun(made, nbytes)
        stages = self.applied(mask)
        limits = [nbytes]
        for stage in stages[:-1]:
            limits.append(_made_of(limits[-1], stage.number))
        for stage, most in zip(reversed(stages), reversed(limits)):
            made = stage.undo(made, stage.parameters, most)
        if len(made) != nbytes:
            raise Undecodable(f"There are {len(made)} bytes instead of {nbytes}.")
        return made


def _unknown(number: int, name: str) -> Refusal:
    words = name.split(";")[0].strip()[:80]
    return Refusal(
        422,
        f"This data set has passed HDF5's filter {number} ({words}), which is not installed here.",
        "The package hdf5plugin has most of HDF5's filters.",
        "filter",
    )


def _made_of(nbytes: int, number: int) -> int:
    if number == SHUFFLE:
        return nbytes
    return nbytes + CHECKSUM if number == FLETCHER32 else 2 * nbytes + SLACK
