"""Images that are launched by their digest: built as what they are, and opened as a repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cluster.person import Person
from service.running import RunningService
from service.shelf import make_workspace
from service.worker import TOKENS, PlayedWorker

pytestmark = pytest.mark.slow

NAME = f"registry.example.org/science/ocean@sha256:{'0123456789abcdef' * 4}"


def test_a_launch_builds_on_the_image_and_leaves_its_name_in_the_workspace(
    start_service: Callable[..., RunningService], alice: Person
) -> None:
    service = start_service(
        worker_tokens=TOKENS,
        lease_seconds=300,
        launched_registries=["registry.example.org/science"],
    )
    service.do(service.hold_builder())
    worker = PlayedWorker(service)
    launch = alice.launch(f"oci:{NAME}")
    build = worker.claim()
    assert worker.files(build["id"]) == {"Dockerfile": f"FROM {NAME}\n".encode()}
    worker.finish(build["id"])
    told = alice.follow(launch)
    assert told["phase"] == "ready", told
    shown = alice.call("GET", f"api/launches/{launch}").json()
    assert shown["repo_url"] == f"oci://{NAME}"
    files: Path = make_workspace(service, launch)
    assert (files / "Dockerfile").read_text() == f"FROM {NAME}\n"


def test_a_site_that_names_no_registry_launches_none(alice: Person) -> None:
    body = {"repository": f"oci:{NAME}", "profile": "interactive"}
    launch = alice.call("POST", "api/launches", body).json()["id"]
    told = alice.follow(launch)
    assert told["phase"] == "failed"
    assert told["message"] == "This site launches no images from registries."
