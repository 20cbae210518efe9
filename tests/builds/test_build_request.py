"""What a request may hold: nothing in it can steer the builder or become an option of a program."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hpcbinderhub.builds.request import BuildRequest, build_events


def request(**changes: Any) -> BuildRequest:
    """A valid request, with changes."""
    values: dict[str, Any] = {
        "id": "b-1",
        "context": "/srv/builds/b-1/context",
        "commit": "a" * 40,
        "repo_url": "https://example.org/repo",
        "ref": "main",
        "key": "0123abcd",
        "base_image": "localhost/hpcbinderhub/base:1-0123456789abcdef",
        "tools_generation": "1",
        "storage": {"graphroot": "/s/graph", "runroot": "/s/run", "tmp": "/s/tmp"},
        "artefact_dir": "/artefacts",
        "mount_points": ["/home", "/scratch"],
    }
    return BuildRequest.model_validate(values | changes)


def test_the_image_is_named_by_key_and_generation() -> None:
    assert request().image == "localhost/hpcbinderhub/0123abcd:1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "../x"),
        ("id", "-x"),
        ("context", "relative"),
        ("context", "/a/../b"),
        ("commit", "main"),
        ("commit", "a" * 40 + "\n"),
        ("key", "--help"),
        ("key", "UPPER"),
        ("base_image", "--rm"),
        ("base_image", "image name"),
        ("other_base_image", "x\nRUN y"),
        ("tools_generation", "1; x"),
        ("mount_points", ["/"]),
        ("mount_points", ["/a/../../etc"]),
        ("mount_points", ["home"]),
        ("environment", {"PATH": "/x"}),
        ("environment", {"LD_PRELOAD": "/x"}),
        ("environment", {"STORAGE_DRIVER": "vfs"}),
        ("environment", {"_CONTAINERS_ROOTLESS_UID": "0"}),
        ("environment", {"A B": "x"}),
        ("environment", {"A": "x\nRUN y"}),
        ("ca_bundle", "relative.crt"),
        ("push", {"ref": "--all"}),
        ("limits", {"seconds": 0}),
        ("surprise", 1),
    ],
)
def test_what_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        request(**{field: value})


def test_a_request_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        request().id = "other"


def test_an_event_is_told_apart_by_its_phase() -> None:
    event = build_events.validate_json('{"phase": "building", "message": "line"}')
    assert event.phase == "building"
    with pytest.raises(ValidationError, match="phase"):
        build_events.validate_json('{"phase": "dreaming", "message": "line"}')
