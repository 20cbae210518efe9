"""Engines' own copies of what has gone."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from sqlalchemy import Connection, delete, insert

from hpcbinderhub.database import Database
from hpcbinderhub.launches.records import State
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster
from hpcbinderhub.slurm.framing import AgentError
from hpcbinderhub.store.copies import DAY, FILE, Copies
from hpcbinderhub.tables import launches

GONE, KEPT = "a" * 64, "b" * 64
PROFILES = [
    {"name": name, "title": name, "partition": "p", "engine": engine}
    for name, engine in (("podman", "podman-hpc"), ("sarus", "sarus"), ("file", "charliecloud"))
]


class LoginNode:
    """Remembers what it was asked, and refuses bob."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, str]] = []

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None
    ) -> dict[str, Any]:
        if user == "bob":
            raise AgentError("images", "the image is still there")
        self.asked.append((user, request["op"], request["engine"], request["image"]))
        return {}

    async def close(self) -> None:
        """Nothing is open."""


def add_launch(connection: Connection, user: str, profile: str, artefact: str) -> None:
    texts = dict.fromkeys(("server", "spec", "repo_url", "ref", "workspace"), "x")
    values = {"user": user, "profile": profile, "artefact": artefact, "state": State.READY}
    number = f"{user}-{profile}-{artefact[0]}"
    connection.execute(insert(launches).values(id=number, created=1, changed=1, **texts, **values))


async def test_they_are_removed_once_as_each_who_launched_it(
    database_url: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    database, login, now = Database(database_url), LoginNode(), 1e9
    database.upgrade()
    for user, profile, artefact in (
        ("bob", "podman", GONE),
        ("alice", "podman", GONE),
        ("alice", "sarus", GONE),
        ("alice", "file", GONE),
        ("alice", "no-more", GONE),
        ("carol", "podman", KEPT),
    ):
        await database.run(add_launch, user, profile, artefact)
    registry = "registry.example.org/images"
    site = Site(profiles=PROFILES, image_registry=registry, state_dir=str(tmp_path))

    def service() -> Copies:
        """As a service that was just started has them."""
        return Copies(site, database, Cluster(login, site), lambda: now)

    await service().are_of_no_use([GONE])
    await service().are_of_no_use([GONE])
    await database.run(forget_launches)
    with caplog.at_level(logging.WARNING):
        await service().tidy()
        await service().tidy()
    image = f"registry.example.org/images:{GONE}"
    hers = [
        ("alice", "image-remove", "podman-hpc", image),
        ("alice", "image-remove", "sarus", image),
    ]
    assert sorted(login.asked) == hers
    assert caplog.text.count("stays with bob") == 1

    # Each day it is tried again, and after a month no more.
    now += DAY
    await service().tidy()
    assert caplog.text.count("stays with bob") == 2
    now += 30 * DAY
    await service().tidy()
    assert caplog.text.count("stays with bob") == 2
    assert (tmp_path / FILE).read_text() == "[]"


def forget_launches(connection: Connection) -> None:
    connection.execute(delete(launches))
