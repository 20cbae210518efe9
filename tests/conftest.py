"""What tests of several rooms need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

# Its pytest plugin would import it at the end of a run, from a stack so deep that Python 3.11 fails
# to parse it (cpython issue 106905).
import hypothesis  # noqa: F401
import pytest
from repos.forge import Forge, serve


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    """A Git server with one repository."""
    with serve(tmp_path) as made:
        yield made
