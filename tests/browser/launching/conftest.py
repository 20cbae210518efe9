"""The launch page needs no cluster: JupyterHub and the service run on this host."""

from __future__ import annotations

from service.conftest import alice, hub, people, repository, service, start_service

__all__ = ["alice", "hub", "people", "repository", "service", "start_service"]
