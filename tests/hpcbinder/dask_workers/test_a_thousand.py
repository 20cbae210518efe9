"""A thousand workers on 25 nodes: all connect and are shown, and the notebook's object stays
responsive meanwhile."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.crews_service import CrewsService
from doubles.hollow_nodes import HollowNodes

from hpcbinder.workers import Workers

WORKERS = 1000
# Of a cell that shows the object, or asks how many there are; the machine may be busy.
RESPONSIVE = 1.0


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """As most shells have it, and what they start."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def hollow(
    few_descriptors: None, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[CrewsService]:
    nodes = HollowNodes()
    found = CrewsService(keys, nodes)
    found.per_node, found.max_nodes = 40, 25
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HPCBINDER_WORKERS_FOLDER", str(tmp_path))
    yield found
    nodes.end_all()
    found.end()


@pytest.mark.slow
def test_a_thousand_workers_connect_and_are_shown(hollow: CrewsService) -> None:
    began = time.monotonic()
    slowest = 0.0
    with Workers(WORKERS, name="many") as workers:
        while not str(workers).count(f"{WORKERS} connected"):
            assert time.monotonic() - began < 300, repr(workers)
            asked = time.monotonic()
            assert repr(workers).startswith("<Workers many:")
            workers._repr_html_()
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.1)
        assert hollow.crew("many")["submissions"] == 1
        assert slowest < RESPONSIVE
        client = workers.client()
        assert sum(client.gather(client.map(lambda x: x, range(2 * WORKERS)))) == sum(
            range(2 * WORKERS)
        )
        assert len(set(client.run(os.getpid).values())) == (WORKERS + 39) // 40
