"""A hub and a node for each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from compute_node import Hub, Node, Origin  # noqa: E402


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def hub(ca: trustme.CA) -> Iterator[Hub]:
    hub = Hub(ca)
    yield hub
    hub.gate.set()
    hub.server.shutdown()
    hub.server.server_close()


@pytest.fixture
def node(tmp_path: Path, hub: Hub) -> Node:
    return Node(tmp_path, hub, Origin(tmp_path / "origin"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts a whole server, HTTPS and Git included, is not for `make test-fast`."""
    for item in items:
        if HERE in item.path.parents and "node" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
