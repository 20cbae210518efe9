"""The page "Yours" needs no cluster: JupyterHub, the service and the agent run on this host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser.test_way import log_in
from cluster.person import Person
from playwright.sync_api import Page, expect
from service.conftest import alice, hub, people, repository, service, start_service
from service.hub import PASSWORD
from service.repository import ServedRepository
from service.running import RunningService
from service.shelf import make_workspace

__all__ = ["alice", "hub", "people", "repository", "service", "start_service"]


@pytest.fixture
def workspace(alice: Person, service: RunningService, repository: ServedRepository) -> Path:
    """Alice's workspace, whose server has stopped."""
    launch = alice.launch(repository.url, ref="main")
    assert alice.follow(launch)["phase"] == "ready"
    for server in alice.servers():
        alice.stop(server)
    return make_workspace(service, launch)


@pytest.fixture
def mine(new_page: Callable[..., Page], service: RunningService) -> Callable[..., Page]:
    """`mine()`: the page, with alice before it."""

    def opened(name: str = "alice", **looks: object) -> Page:
        page = new_page(**looks)
        log_in(page, f"{service.url}/", name, PASSWORD)
        expect(page.get_by_role("heading", name="Launch a repository")).to_be_visible()
        page.goto(f"{service.url}/mine")
        expect(page.locator("#workspaces")).not_to_have_attribute("aria-busy", "true")
        return page

    return opened
