"""A server of a launch, whose service and nodes are on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Workers say a lot of themselves; a test's own failure is what has to be seen.
os.environ.setdefault("DASK_DISTRIBUTED__LOGGING__DISTRIBUTED", "error")

pytest.importorskip("distributed")

from distributed.security import Security
from doubles.crews_service import CrewsService
from doubles.worker_node import ProcessNodes

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


@pytest.fixture(scope="session")
def keys() -> dict[str, str]:
    made = Security.temporary()
    return {"certificate": made.tls_client_cert, "key": made.tls_client_key}


@pytest.fixture
def nodes() -> Iterator[ProcessNodes]:
    nodes = ProcessNodes()
    yield nodes
    nodes.end_all()


@pytest.fixture
def service(
    keys: dict[str, str], nodes: ProcessNodes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[CrewsService]:
    """The service, and the environment that leads a kernel to it."""
    service = CrewsService(keys, nodes)
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HPCBINDER_WORKERS_FOLDER", str(tmp_path))
    yield service
    service.end()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts a scheduler is not for `make test-fast`."""
    for item in items:
        if HERE in item.path.parents and "service" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
