"""The loading page needs no cluster: JupyterHub and the service run on this host."""

from __future__ import annotations

import json

import pytest
from browser.loading.waiting import LOG, NOTEBOOK
from service.conftest import alice, hub, people, repository, service, start_service
from service.repository import ServedRepository
from service.running import RunningService

__all__ = ["alice", "hub", "people", "repository", "service", "start_service"]


@pytest.fixture
def held(service: RunningService, repository: ServedRepository) -> ServedRepository:
    """A repository with a notebook, whose build tells its log and then waits for the test."""
    repository.commit("index.ipynb", json.dumps(NOTEBOOK))
    service.builder.lines = [("building", line) for line in LOG]
    service.tell(service.builder.free.clear)
    return repository
