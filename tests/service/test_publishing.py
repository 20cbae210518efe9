"""Launches of engines that only pull: their image is in the site's registry before they start."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster.person import Person
from images.bills.bills import bill
from images.published import make_published, tags
from images.registry import running
from service.repository import ServedRepository
from service.running import RunningService

from hpcbinderhub.app import main
from hpcbinderhub.builds.attempt import BuildAttempt
from hpcbinderhub.builds.client import ServiceClient
from hpcbinderhub.builds.request import Artefact, BuiltEvent, Image
from hpcbinderhub.images.signing import make_key
from hpcbinderhub.store import published
from hpcbinderhub.store.delivery import MountedStore

pytestmark = pytest.mark.slow

TOKEN = "a worker's token"
WORKERS = {"one": hashlib.sha256(TOKEN.encode()).hexdigest()}
PROFILES = [
    {"name": "pulls", "title": "Pulls", "partition": "p", "engine": "podman-hpc"},
    {"name": "reads", "title": "Reads files", "partition": "p", "engine": "charliecloud"},
]
PUSHING = "Pushing the image to the site's registry, where podman-hpc gets it."


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with running(tmp_path / "registry", deletes=True) as host:
        yield f"{host}/images"


@pytest.fixture
def site(
    start_service: Callable[..., RunningService], registry: str, tmp_path: Path
) -> Callable[..., RunningService]:
    """A service with a registry and a key, whose builds are the test's to make."""
    make_key(tmp_path / "key")

    def start(**traits: Any) -> RunningService:
        service = start_service(
            **{
                "profiles": PROFILES,
                "worker_tokens": WORKERS,
                "image_registry": registry,
                "image_registry_plain_http": True,
                "image_signing_key": str(tmp_path / "key"),
            }
            | traits
        )
        service.do(service.hold_builder())
        return service

    return start


def build(service: RunningService) -> str:
    """What a worker does once it has built; the artefact."""
    store = Path(service.site.artefacts)
    name = make_published(store)
    path = store / f"{name}.squashfs"

    async def work() -> None:
        client = ServiceClient(service.site, TOKEN)
        claimed = await client.claim("")
        assert claimed
        made = Artefact(path=path, sha256=name, size=path.stat().st_size)
        attempt = BuildAttempt(
            client, claimed["id"], service.site.lease_seconds, MountedStore(store)
        )
        await attempt.tell(
            BuiltEvent(artefact=made, image=Image(id="x", env={}), bill=bill()), None
        )

    asyncio.run(work())
    return name


def test_a_launch_waits_for_its_image_which_is_signed(
    site: Callable[..., RunningService],
    alice: Person,
    repository: ServedRepository,
    registry: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service = site()
    launch = alice.launch(repository.url, "pulls")
    artefact = build(service)
    told = list(alice.events(launch))
    assert told[-1]["phase"] == "ready", told[-1]
    messages = [event["message"] for event in told]
    assert messages.index(PUSHING) < messages.index("Asking Slurm for a node.")
    assert artefact in tags(registry)
    assert {name.rpartition(".")[2] for name in tags(registry)} == {artefact, "sig", "sbom"}
    file = f"{service.site.artefacts}/{artefact}.squashfs"
    assert main(["images", "verify", file, "--key", f"{tmp_path}/key.pub"]) == 0
    assert "as it was made" in capsys.readouterr().out

    alice.stop(alice.servers()[0])
    again = [event["message"] for event in alice.events(alice.launch(repository.url, "pulls"))]
    assert PUSHING not in again


def test_a_registry_that_is_away_stops_them_alone_and_no_build(
    site: Callable[..., RunningService],
    alice: Person,
    bob: Person,
    repository: ServedRepository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(published, "FIRST_PAUSE", 0.1)
    service = site(image_registry="127.0.0.1:9/images")
    launch = alice.launch(repository.url, "pulls")
    build(service)
    told = list(alice.events(launch))
    assert told[-1]["phase"] == "failed"
    assert "could not be put into the site's registry" in told[-1]["message"]
    assert "127.0.0.1:9 does not answer" in told[-1]["detail"]
    assert "Asking Slurm for a node." not in [event["message"] for event in told]

    other = list(bob.events(bob.launch(repository.url, "reads")))
    assert other[-1]["phase"] == "ready"
    bob.stop(bob.servers()[0])
    (check,) = [
        row
        for row in alice.call("GET", "health").json()["checks"]
        if row["service"] == "Image registry"
    ]
    assert not check["ok"]
    assert check["_ignore_failure"]


def test_a_key_that_cannot_be_used_stops_no_build(
    site: Callable[..., RunningService], alice: Person, repository: ServedRepository
) -> None:
    service = site(image_signing_key="/nowhere")
    launch = alice.launch(repository.url, "reads")
    artefact = build(service)
    assert alice.follow(launch)["phase"] == "ready"
    assert not Path(service.site.artefacts, f"{artefact}.sig").exists()
    # What is pushed says who made it, or is not pushed.
    alice.stop(alice.servers()[0])
    told = alice.follow(alice.launch(repository.url, "pulls"))
    assert told["phase"] == "failed"
    assert "/nowhere, cannot be read" in told["detail"]
