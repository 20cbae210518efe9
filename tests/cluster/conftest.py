"""The containerised site, up for the whole run, and the people on it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from cluster.cluster import Cluster
from cluster.crew_of_alice import Server, running_server
from cluster.person import Person
from cluster.rig import Rig


@pytest.fixture(scope="session")
def rig() -> Rig:
    """The site: brought up once, left up for the next run. Two may run side by side."""
    site = os.environ.get("HPCBINDERHUB_SITE")
    project = f"hpcbinderhub-test-{site}" if site else "hpcbinderhub-test"
    port = int(os.environ.get("HPCBINDERHUB_PORT", "8001"))
    # The tests wait for what Slurm says, hundreds of times.
    cluster = Cluster(project, port, watch_seconds="2")
    cluster.up()
    made = Rig(cluster)
    made.wait_until_builds_are_taken()
    made.wait_until_up()
    return made


@pytest.fixture(scope="session")
def person(rig: Rig) -> Callable[[str], Person]:
    """`person("alice")`: logged in, the same one all through."""
    known: dict[str, Person] = {}

    def find(name: str) -> Person:
        if name not in known:
            known[name] = Person(name, rig.url)
        return known[name]

    return find


@pytest.fixture
def alice(rig: Rig, person: Callable[[str], Person]) -> Iterator[Person]:
    """Alice, who leaves nothing running behind."""
    yield person("alice")
    rig.tidy("alice")


@pytest.fixture
def carol(rig: Rig) -> Person:
    """Carol, who looks after the site."""
    return Person("carol", rig.url, "hpcbinder-demo-admin-password-for-carol")


@pytest.fixture
def bob(rig: Rig, person: Callable[[str], Person]) -> Iterator[Person]:
    """Bob, whose login shell is tcsh; he leaves nothing running either."""
    yield person("bob")
    rig.tidy("bob")


@pytest.fixture
def dave(person: Callable[[str], Person]) -> Person:
    """Dave, who has no Slurm association."""
    return person("dave")


@pytest.fixture(scope="module")
def server_of_alice(rig: Rig, person: Callable[[str], Person]) -> Iterator[Server]:
    """One for all tests of a module."""
    with running_server(rig, person("alice")) as server:
        yield server


@pytest.fixture
async def server(server_of_alice: Server) -> AsyncIterator[Server]:
    """It, without workers as each test finds it."""
    yield server_of_alice
    await server_of_alice.tidy()
