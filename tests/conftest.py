"""What tests of several rooms need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from repos.forge import Forge, serve

# Its pytest plugin would import it at the end of a run, from a stack so deep that Python 3.11 fails
# to parse it (cpython issue 106905). The builder's host has none of it, and needs none.
with suppress(ImportError):
    import hypothesis  # noqa: F401


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    """A Git server with one repository."""
    with serve(tmp_path) as made:
        yield made
