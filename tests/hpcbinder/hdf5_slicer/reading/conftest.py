"""What reads, with a small cache of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hpcbinder.slicer.files.opened import Files
from hpcbinder.slicer.reading.readers import Readers
from hpcbinder.slicer.work import Work


@pytest.fixture
def files() -> Iterator[Files]:
    files = Files()
    yield files
    files.close()


@pytest.fixture
def readers() -> Iterator[Readers]:
    readers = Readers(1 << 20, threads=2)
    yield readers
    readers.close()


@pytest.fixture
def work() -> Work:
    return Work(1 << 30, seconds=60)
