"""Files on this machine's disk, looked into as a request would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import pytest

from hpcbinder.slicer.files.links import Links, Place
from hpcbinder.slicer.roots import Roots
from hpcbinder.slicer.work import Work


@dataclass(frozen=True)
class Open:
    """A file that is open for as long as the test runs."""

    h5: h5py.File


@pytest.fixture
def work() -> Work:
    return Work(budget=64 << 20, seconds=20)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The server's own folder, and the only root."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def place(home: Path, work: Work) -> Iterator[Callable[..., Place]]:
    """`place("run.h5", "/entry/data")`: what is there."""
    opened: dict[str, Open] = {}

    def open_file(path: str) -> Open:
        if path not in opened:
            opened[path] = Open(h5py.File(path, "r"))
        return opened[path]

    roots = Roots([("your files", str(home))])
    links = Links(roots, open_file)

    def find(name: str, path: str = "/") -> Place:
        return links.find(open_file(roots.resolve(name)), path, work)

    yield find
    for each in opened.values():
        each.h5.close()
