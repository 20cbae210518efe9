"""A pytest plugin: JupyterHub's own tests, with one of two spawner classes in its MockHub.

`pytest -p spawners.jupyterhub_suite --spawner=ours --pyargs jupyterhub.tests.test_named_servers`
"""

from __future__ import annotations

import os
import pwd
import secrets
from typing import Any

import pytest
from doubles.servers_in_memory import Ours, Theirs
from jupyterhub.tests import mocking, test_api, test_named_servers
from jupyterhub.utils import random_port
from traitlets.config import Config

SECONDS = 0.1
"""Between two looks of either class."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which class."""
    parser.addoption("--spawner", choices=["ours", "theirs"], required=True)


def pytest_configure(config: pytest.Config) -> None:
    """Before the hub is made."""
    hub_port = random_port()
    spawner = ours(hub_port) if config.getoption("--spawner") == "ours" else theirs()
    plain = mocking.MockHub.__init__

    def with_spawner(hub: Any, *arguments: Any, **values: Any) -> None:
        plain(hub, *arguments, **values, config=spawner, hub_port=hub_port)

    mocking.MockHub.__init__ = with_spawner
    test_named_servers.normalize_user = without_states


def without_states(user: dict[str, Any]) -> dict[str, Any]:
    """The tests know one state of a server: a process id, which LocalProcessSpawner alone has."""
    user = test_api.normalize_user(user)
    for server in user["servers"].values():
        assert server["state"]
        server["state"] = {"pid": 0}
    return user


def ours(hub_port: int) -> Config:
    """The class that a hub of ours is configured with. The tests start servers without options,
    which it refuses: so these are given some on the way to it.

    Imported here, since whoever imports it has no `/api/batchspawner` any more, which theirs needs.
    """
    from hpcbinderhub.spawners import ImageBatchSpawner, ProfileSpawner, facility, profile

    from hpcbinderhub.slurm.cluster import Cluster

    class WithOptions(ImageBatchSpawner):  # type: ignore[misc]
        async def _make_plan(self) -> Any:
            self.user_options = self.user_options or quickstart()
            return await super()._make_plan()

    class ChoosingOptions(ProfileSpawner):  # type: ignore[misc]
        def _nothing_to_run(self) -> dict[str, Any]:
            return quickstart()

    profile.SPAWNERS["charliecloud"] = WithOptions
    config = Config()
    config.Site.public_url = f"http://127.0.0.1:{hub_port}/"
    config.Site.state_dir = os.getcwd()
    config.Site.watch_seconds = SECONDS
    config.Site.profiles = [{"name": "small", "title": "Small", "partition": "interactive"}]
    slurm = Ours()
    facility.cluster_of = lambda site: Cluster(slurm, site)
    config.JupyterHub.spawner_class = ChoosingOptions
    return config


def quickstart() -> dict[str, Any]:
    """A start request."""
    return {
        "launch": secrets.token_hex(6),
        "profile": "small",
        "artefact": "ab" * 32,
        "repo_url": "https://example.org/quickstart",
        "ref": "main",
        "commit": "cd" * 20,
        "spec": "git/example/main",
        "workspace": "quickstart-abcdef",
    }


def theirs() -> Config:
    """batchspawner's own."""
    from batchspawner import SlurmSpawner

    slurm = Theirs()

    class Commanded(SlurmSpawner):  # type: ignore[misc]
        async def run_command(self, cmd: str, input: Any = None, env: Any = None) -> str:
            return await slurm.run_command(cmd, env)

    # It looks for the hub's users among the accounts of the hub's host.
    me = pwd.getpwuid(os.getuid())
    pwd.getpwnam = lambda _name: me
    config = Config()
    config.JupyterHub.spawner_class = Commanded
    config.SlurmSpawner.exec_prefix = ""
    config.SlurmSpawner.startup_poll_interval = SECONDS
    return config
