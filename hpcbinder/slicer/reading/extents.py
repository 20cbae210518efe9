"""Bytes of a data set in the order of its values, wherever in files they lie."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Any, Union

import numpy as np

Array = np.ndarray[Any, Any]
Bytes = Union[bytes, memoryview]
Check = Callable[[], None]
SMALL = 4096
"""Bytes of a run up to which many of them are put together at once."""
OFTEN = 256
"""Reads between two looks at whether they are still wanted."""


def _unchecked() -> None:
    """Nobody may give it up."""


@dataclass(frozen=True)
class Extent:
    """Bytes of one file that follow each other."""

    fd: int
    offset: int
    size: int


@dataclass(frozen=True)
class Plain:
    """Values that lie in a file as they are, in C order."""

    extents: tuple[Extent, ...]
    dtype: np.dtype[Any]
    dims: tuple[int, ...]

    def part(self, offset: int, dims: tuple[int, ...]) -> Plain:
        """Values that follow each other, `offset` values from the beginning."""
        return Plain(tuple(_cut(self.extents, offset * self.dtype.itemsize)), self.dtype, dims)

    def box(self, inside: Sequence[slice]) -> Array:
        """Some of the values, exactly."""
        found = np.empty([len(range(s.start, s.stop, s.step or 1)) for s in inside], self.dtype)
        self.into(found, inside)
        return found

    def into(self, out: Array, inside: Sequence[slice], check: Check = _unchecked) -> None:
        """Read straight to where the values belong, if they may stay as they are."""
        if not out.size:
            return
        self.follow(Plan.of(self.dims, inside), out, check)

    def follow(self, plan: Plan, out: Array, check: Check = _unchecked) -> None:
        """The same, where it is known already which runs these are."""
        if out.dtype != self.dtype or not out.flags.c_contiguous:
            found = np.empty(out.shape, self.dtype)
            self.follow(plan, found, check)
            out[...] = found
            return
        if plan.span * self.dtype.itemsize <= SMALL and len(self.extents) == 1:
            self._gather(out, plan, check)
            return
        # A run is read at once; what a step leaves out is dropped from it.
        spare = np.empty(plan.span if plan.step != 1 else 0, self.dtype)
        for number, (run, start) in enumerate(zip(out.reshape(plan.runs, -1), plan.starts())):
            if not number % OFTEN:
                check()
            target = run if plan.step == 1 else spare
            self.read(start * self.dtype.itemsize, target.view(np.uint8).data)
            if plan.step != 1:
                run[:] = spare[:: plan.step]

    def _gather(self, out: Array, plan: Plan, check: Check) -> None:
        """Many short runs: what Python does for each counts most."""
        extent = self.extents[0]
        itemsize = self.dtype.itemsize
        nbytes = plan.span * itemsize
        runs = out.reshape(plan.runs, -1)
        starts = plan.starts()
        done = 0
        while offsets := [extent.offset + at * itemsize for at in islice(starts, OFTEN)]:
            values = np.frombuffer(gathered(extent.fd, offsets, nbytes, check), self.dtype)
            runs[done : done + len(offsets)] = values.reshape(len(offsets), -1)[:, :: plan.step]
            done += len(offsets)

    def advise(self, inside: Sequence[slice]) -> None:
        """These will likely be read soon: the system may fetch them now, if it can be told."""
        if not hasattr(os, "posix_fadvise"):
            return
        plan = Plan.of(self.dims, inside)
        itemsize = self.dtype.itemsize
        for start in plan.starts():
            for extent in _cut(self.extents, start * itemsize)[:1]:
                length = min(plan.span * itemsize, extent.size)
                os.posix_fadvise(extent.fd, extent.offset, length, os.POSIX_FADV_WILLNEED)

    def read(self, position: int, into: memoryview) -> None:
        """Fill with the bytes from a position on; what the files do not have is zero."""
        for extent in self.extents:
            if not len(into):
                return
            if position >= extent.size:
                position -= extent.size
                continue
            here = min(len(into), extent.size - position)
            _fill(extent.fd, extent.offset + position, into[:here])
            into = into[here:]
            position = 0
        into[:] = bytes(len(into))


@dataclass(frozen=True)
class Plan:
    """Runs of a box: where each begins, and how many values it spans."""

    dims: tuple[int, ...]
    outer: tuple[slice, ...]
    offset: int
    span: int
    step: int

    @classmethod
    def of(cls, dims: tuple[int, ...], inside: Sequence[slice]) -> Plan:
        """Axes that are taken whole at the end belong to one run with the axis before them."""
        axis = len(dims)
        inner = 1
        while axis and _whole(inside[axis - 1], dims[axis - 1]):
            axis -= 1
            inner *= dims[axis]
        if not axis:
            return cls(dims, (), 0, inner, 1)
        last = inside[axis - 1]
        step = last.step or 1
        if step != 1 and inner > 1:
            return cls(dims, tuple(inside[:axis]), 0, inner, 1)
        length = (last.stop - last.start) * inner
        return cls(dims, tuple(inside[: axis - 1]), last.start * inner, length, step)

    @property
    def runs(self) -> int:
        """How many reads it takes."""
        return prod(len(range(s.start, s.stop, s.step or 1)) for s in self.outer)

    def starts(self) -> Any:
        """Where the runs begin, in values."""
        strides = [prod(self.dims[axis + 1 :]) for axis in range(len(self.outer))]
        steps = [
            [index * stride for index in range(s.start, s.stop, s.step or 1)]
            for s, stride in zip(self.outer, strides)
        ]
        return (sum(parts) + self.offset for parts in product(*steps))


class Scratch(threading.local):
    """Memory that a thread uses again and again: new memory costs more than the reading. Of what is
    wanted rarely, and is large, nothing is kept."""

    MOST = 4 << 20

    def __init__(self) -> None:
        self._memory = bytearray()

    def take(self, nbytes: int) -> memoryview:
        """Good until this thread takes the next."""
        if nbytes > self.MOST:
            return memoryview(bytearray(nbytes))
        if len(self._memory) < nbytes:
            self._memory = bytearray(nbytes)
        return memoryview(self._memory)[:nbytes]


scratch = Scratch()


def gathered(fd: int, offsets: Sequence[int], nbytes: int, check: Check) -> Bytes:
    """So many bytes from each place, one after the other; what the file does not have is zero. Good
    until this thread gathers again."""
    if nbytes > SMALL:
        memory = scratch.take(nbytes * len(offsets))
        for number, offset in enumerate(offsets):
            check()
            _fill(fd, offset, memory[number * nbytes : (number + 1) * nbytes])
        return memory
    found: list[bytes] = []
    for begin in range(0, len(offsets), OFTEN):
        check()
        found += [os.pread(fd, nbytes, offset) for offset in offsets[begin : begin + OFTEN]]
    data = b"".join(found)
    if len(data) == nbytes * len(offsets):
        return data
    return b"".join([part.ljust(nbytes, b"\0") for part in found])


def _whole(part: slice, length: int) -> bool:
    return part.start == 0 and part.stop == length and (part.step or 1) == 1


def _cut(extents: Sequence[Extent], skipped: int) -> Sequence[Extent]:
    left = []
    for extent in extents:
        here = min(skipped, extent.size)
        skipped -= here
        if extent.size > here:
            left.append(Extent(extent.fd, extent.offset + here, extent.size - here))
    return left


def _fill(fd: int, offset: int, into: memoryview) -> None:
    while len(into):
        count = os.preadv(fd, [into], offset)
        if not count:
            into[:] = bytes(len(into))
            return
        offset += count
        into = into[count:]
