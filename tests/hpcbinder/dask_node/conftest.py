"""A crew for each test."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import launched  # noqa: E402


@pytest.fixture
async def crew(tmp_path: Path) -> AsyncIterator[launched.Crew]:
    async with launched.crew(tmp_path) as found:
        yield found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What imports and forks Dask is not for `make test-fast`."""
    for item in items:
        if HERE in item.path.parents and "crew" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
