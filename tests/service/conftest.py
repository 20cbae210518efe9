"""A real JupyterHub without Slurm, the service beside it, and the people who use both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster.person import Person
from jupyterhub.services.auth import HubOAuth
from repos.forge import Forge
from service.hub import PASSWORD, RunningHub, what_is_missing
from service.repository import ServedRepository
from service.running import RunningService
from service.slurm_commands import slurm

from hpcbinderhub.credentials.keyring import add_key
from hpcbinderhub.site import Site

PROFILES = [
    {"name": "interactive", "title": "Interactive", "partition": "interactive"},
    {
        "name": "regular",
        "title": "Regular",
        "partition": "regular",
        "max_nodes": 4,
        "max_gpus": 2,
        "worker_nodes": 3,
    },
]


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """JupyterHub with its proxy, once for all tests."""
    if missing := what_is_missing():
        pytest.skip(missing)
    made = RunningHub(tmp_path_factory.mktemp("hub"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def start_service(
    hub: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., RunningService]]:
    """`start_service(**traits)`: the service on a site with these settings; one at a time."""
    for name, value in hub.service_environment().items():
        monkeypatch.setenv(name, value)
    HubOAuth.clear_instance()
    # This one is read from the environment when JupyterHub is imported, which was before.
    HubOAuth.instance(base_url="/services/binder/")
    running: list[RunningService] = []

    def start(**traits: Any) -> RunningService:
        while running:
            running.pop().stop()
        (tmp_path / "artefacts").mkdir(exist_ok=True)
        if not (tmp_path / "keys").exists():
            add_key(tmp_path / "keys")
        site = Site(
            **{
                "state_dir": str(tmp_path / "state"),
                "artefacts": str(tmp_path / "artefacts"),
                "workspace_root": str(tmp_path / "shared" / "{user}"),
                "public_url": hub.url,
                "slurm_path": slurm(tmp_path / "slurm"),
                "free_disk_mb": 1,
                "lease_seconds": 2,
                "profiles": PROFILES,
                "private_networks": ["127.0.0.0/8"],
                "credential_keys_file": str(tmp_path / "keys"),
                "credential_http_hosts": ["127.0.0.1"],
            }
            | traits
        )
        running.append(RunningService(hub, site))
        running[-1].start()
        return running[-1]

    yield start
    for service in running:
        service.stop()
    HubOAuth.clear_instance()


@pytest.fixture
def service(start_service: Callable[..., RunningService]) -> RunningService:
    """The service on a site as most are."""
    return start_service()


@pytest.fixture
def repository(forge: Forge) -> ServedRepository:
    """A repository that was never built."""
    return ServedRepository(forge)


@pytest.fixture(scope="session")
def people(hub: RunningHub) -> dict[str, Person]:
    """Everybody who has an account, logged in to the hub."""
    return {name: Person(name, hub.url, PASSWORD) for name in ("alice", "bob", "carol")}


@pytest.fixture
def alice(people: dict[str, Person], service: RunningService) -> Iterator[Person]:
    """Alice, who leaves no server behind."""
    yield people["alice"]
    for server in people["alice"].servers():
        people["alice"].stop(server)


@pytest.fixture
def bob(people: dict[str, Person], service: RunningService) -> Person:
    """Bob."""
    return people["bob"]


@pytest.fixture
def carol(people: dict[str, Person], service: RunningService) -> Person:
    """Carol, who looks after builds."""
    return people["carol"]
