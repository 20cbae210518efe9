"""Run alone: looks at everything in damaged files, one process for each, and tells how it went.

    python torn.py FOLDER FIRST COUNT      files that are damaged by chance
    python torn.py FOLDER NAME…            these files

prints one line of JSON: what became of each, and the most memory that one of them took.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from hpcbinder.slicer import catalogue
from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.files.links import Links, Place
from hpcbinder.slicer.files.opened import Files
from hpcbinder.slicer.peers import h5grove, jupyterlab_hdf5
from hpcbinder.slicer.roots import Roots
from hpcbinder.slicer.work import Work

MEMORY = 400 << 20
SECONDS = 20
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)


def whole(path: Path, libver: str) -> None:
    """Something of everything."""
    with h5py.File(path, "w", libver=libver) as file:
        group = file.create_group("entry/data")
        group.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": ["y", "x"]})
        group["counts"] = np.arange(12.0).reshape(3, 4)
        group["y"], group["x"] = np.arange(3.0), np.arange(4.0)
        group["x"].make_scale("x")
        group["counts"].dims[1].attach_scale(group["x"])
        file.create_dataset(
            "gzip", data=np.arange(900).reshape(30, 30), chunks=(7, 7), compression=4
        )
        file["soft"], file["far"] = h5py.SoftLink("/entry"), h5py.ExternalLink("x.h5", "/")
        file["texts"] = np.array(["a", "bcd" * 9], h5py.string_dtype())
        file["fixed"] = np.array([b"ab", b"c"], "S3")
        file["rows"] = np.array([(1, 2.0, b"z")], [("n", "i4"), ("v", "f4", 2), ("s", "S2")])
        file["enum"] = np.array([1, 0], h5py.enum_dtype({"NO": 0, "YES": 1}))
        file["refs"] = np.array([file["gzip"].ref, group.ref], h5py.ref_dtype)
        lists = file.create_dataset("lists", (3,), h5py.vlen_dtype("f8"))
        lists[1] = [1.0, 2.0]
        file["opaque"], file["type"] = np.array([b"\1\2"], "V2"), np.dtype("i2")
        for number in range(20):
            file.create_group(f"many/{number}").attrs["text"] = "x" * number


def torn(data: bytes, seed: int) -> bytes:
    """A few bytes are others, or the end is missing."""
    chance = random.Random(seed)
    changed = bytearray(data)
    if seed % 10 == 0:
        return bytes(changed[: chance.randrange(len(changed))])
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(8, len(changed) - 8)
        length = chance.choice((1, 1, 2, 4, 8))
        value = chance.choice(EXTREMES) if chance.random() < 0.5 else chance.getrandbits(64)
        changed[at : at + length] = value.to_bytes(8, "little")[:length]
    return bytes(changed)


class Look:
    """Everything that a request could ask of a file; each is answered or refused in words."""

    def __init__(self, folder: Path) -> None:
        self._files = Files()
        self._links = Links(Roots([("all", str(folder))]), self._files.open)

    def into(self, path: Path) -> None:
        with contextlib.suppress(Refusal):
            file = self._files.open(str(path))
            with file.using():
                root = self._links.find(file, "/", self._work())
                self._at(root, 0, set())
                self._try(catalogue.search, root, "a", self._work())
                self._peers(root)

    def _at(self, place: Place, depth: int, seen: set[str]) -> None:
        self._try(catalogue.node, place, self._work())
        self._try(catalogue.attributes, place, self._work())
        self._try(catalogue.axes, place, self._work())
        if isinstance(place.object, h5py.Dataset):
            self._try(catalogue.values, place, (), self._work())
        page = None
        if isinstance(place.object, h5py.Group):
            page = self._try(catalogue.children, place, 0, 100, self._work())
        for item in page["children"] if page and depth < 4 else ():
            if item["link"] is None and item["path"] not in seen:
                seen.add(item["path"])
                found = self._try(self._links.find, place.file, item["path"], self._work())
                if found is not None:
                    self._at(found, depth + 1, seen)

    def _peers(self, root: Place) -> None:
        for endpoint in ("meta", "paths", "attr"):
            self._try(h5grove.answer, endpoint, root, {}, self._work(), lambda place: None)
        for path in ("/gzip", "/rows", "/lists", "/texts"):
            for endpoint in ("meta", "data", "stats"):
                arguments = {"path": path, "uri": path}
                for peer in (h5grove, jupyterlab_hdf5):
                    self._try(peer.answer, endpoint, root, arguments, self._work(), lambda _: None)

    def _try(self, act, *arguments):
        try:
            told = act(*arguments)
            if isinstance(told, dict):
                json.dumps(told, allow_nan=False)
            return told
        except Refusal:
            return None

    def _work(self) -> Work:
        return Work(budget=64 << 20, seconds=5)


def alone(path: Path) -> tuple[str, int]:
    """In a process of its own: how that ended, and how many bytes it had at most."""
    child = os.fork()
    if child == 0:
        # As the reading process has it.
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        signal.alarm(SECONDS)
        try:
            Look(path.parent).into(path)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    word = {0: "well", 1: "error"}.get(code) or signal.Signals(-code).name
    return word, used.ru_maxrss << 10


def by_chance(folder: Path, first: int, count: int) -> Iterator[tuple[int, Path]]:
    bodies = []
    for libver in ("earliest", "latest"):
        whole(folder / f"{libver}.h5", libver)
        bodies.append((folder / f"{libver}.h5").read_bytes())
    for seed in range(first, first + count):
        (folder / "torn.h5").write_bytes(torn(bodies[seed % 2], seed))
        yield seed, folder / "torn.h5"


def main(folder: Path, arguments: list[str]) -> None:
    if arguments[0].isdigit():
        files = by_chance(folder, *map(int, arguments))
    else:
        files = ((name, folder / name) for name in arguments)
    went: dict[str, list[object]] = {"well": []}
    most = 0
    for name, path in files:
        word, used = alone(path)
        went.setdefault(word, []).append(name)
        most = max(most, used)
    print(json.dumps({"went": went, "bytes": most}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
