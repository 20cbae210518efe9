"""A double of the archives, and the service's repositories with every archive there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles import archives
from doubles.archives import Internet
from repos.records import cache

from hpcbinderhub.repos.repositories import Repositories


@pytest.fixture
def internet() -> Iterator[Internet]:
    with archives.serve() as made:
        yield made


@pytest.fixture
def repositories(tmp_path: Path, internet: Internet) -> Repositories:
    return cache(tmp_path / "cache", internet)
