"""What a real build's environment is made of, and making it again when the index has moved on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from hpcbinderhub.images.bills.compare import changes
from hpcbinderhub.images.bills.lock import lock_of
from hpcbinderhub.images.bills.model import Bill, Package

if TYPE_CHECKING:
    from conftest import Builder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ENV = "/srv/hpcbinder/env"
# What of these has had releases since is in no base image of ours.
THEN = {"UV_EXCLUDE_NEWER": "2024-10-01"}
FILES = {
    "requirements.txt": "tqdm\n",
    "apt.txt": "hello\n",
    "postBuild": "#!/bin/sh\nuv pip install --quiet --no-cache more-itertools\n",
}


def made(builder: Builder, context: Path, **changes: Any) -> tuple[Bill, dict[str, Any]]:
    """A build's record, and its artefact."""
    event = builder.build(context, **changes)[-1]
    assert event["phase"] == "built", event
    return Bill.model_validate(event["bill"]), event["artefact"]


def find(bill: Bill, name: str, where: str = ENV) -> Package:
    (package,) = (p for p in bill.packages if (p.name, p.where) == (name, where))
    return package


def test_an_environment_is_made_again_from_its_record(builder: Builder) -> None:
    context = builder.repository(FILES)
    first, artefact = made(builder, context, environment=THEN)
    assert (find(first, "tqdm").version, find(first, "more-itertools").version) == (
        "4.66.5",
        "10.5.0",
    )
    assert all(p.files for p in first.packages if p.where == ENV)
    # Those of the index's own files, as its page for tqdm has them.
    assert find(first, "tqdm").hashes == {
        "sha256": "90279a3770753eafc9194a0364852159802111925aa30eb3f9d85b0e805ac7cd"
    }
    assert [p.name for p in first.packages if p.where == ENV and not p.hashes] == ["hpcbinder"]
    assert find(first, "hello", "").kind == "deb"
    assert len([p for p in first.packages if p.kind == "deb"]) > 100
    assert (first.build_pack, first.builder, first.system) == ("UvPack", "buildah", "debian 12")
    assert first.base_digest.startswith("sha256:")
    assert first.unread == ()
    beside = Path(artefact["path"]).with_suffix(".cdx.json").read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(beside) is None
    assert json.loads(beside)["metadata"]["component"]["hashes"][0]["content"] == artefact["sha256"]

    newest, _ = made(builder, context)
    moved = {change.name: change.what for change in changes(first, newest)}
    assert moved == {"tqdm": "changed", "more-itertools": "changed"}

    lock = lock_of(first).model_dump(mode="json")
    assert all("--hash=sha256:" in line for line in (*lock["hashed"], *lock["environment"]))
    again, other = made(builder, context, lock=lock)
    assert changes(first, again) == []
    assert other["sha256"] != artefact["sha256"]
    assert find(again, "tqdm").hashes == find(first, "tqdm").hashes


def test_another_wheel_of_the_same_version_is_refused(builder: Builder) -> None:
    context = builder.repository({"requirements.txt": "tqdm\n"})
    lock = {"hashed": [f"tqdm==4.66.5 --hash=sha256:{'0' * 64}"]}
    event = builder.build(context, lock=lock)[-1]
    assert event["phase"] == "failed"
    assert "Hash mismatch for `tqdm==4.66.5`" in event["message"] + "".join(event["lines"])


def test_what_nobody_asked_for_is_brought_to_the_record_too(builder: Builder) -> None:
    """As when the base image has been made anew since."""
    context = builder.repository({"README.md": ""})
    first, _ = made(builder, context)
    other = find(first, "fsspec").model_copy(
        update={"version": "2024.9.0", "files": "", "hashes": {}}
    )
    packages = tuple(other if p.name == "fsspec" else p for p in first.packages)
    then = first.model_copy(update={"packages": packages})
    again, _ = made(builder, context, lock=lock_of(then).model_dump(mode="json"))
    assert find(again, "fsspec").version == "2024.9.0"
    assert changes(then, again) == []


def test_a_version_that_is_not_to_be_had_any_more_is_named(builder: Builder) -> None:
    context = builder.repository({"requirements.txt": "tqdm\n"})
    lock = {"hashed": ["tqdm==4.66.999"], "environment": ["tqdm==4.66.999"]}
    event = builder.build(context, lock=lock)[-1]
    assert event["phase"] == "failed"
    assert event["cause"] in ("package-not-found", "no-solution")
    assert "tqdm==4.66.999" in event["message"] + "".join(event["lines"])


def test_a_dockerfile_says_what_it_stands_on(builder: Builder) -> None:
    lines = [
        "FROM docker.io/library/debian:bookworm",
        "RUN apt-get -qq update && apt-get -qq install --yes --no-install-recommends python3",
    ]
    first, _ = made(builder, builder.repository({"Dockerfile": "\n".join(lines)}))
    assert first.build_pack == "DockerfilePack"
    assert first.base_image == "docker.io/library/debian:bookworm"
    assert first.base_digest.startswith("sha256:")
    assert find(first, "python3", "").kind == "deb"
    assert find(first, "jupyterlab").files
