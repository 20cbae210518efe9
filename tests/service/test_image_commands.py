"""`hpcbinderhub images …`, as an admin and a scientist type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from cluster.person import Person
from images.bills.bills import bill, python
from images.small_image import make_artefact, make_tree
from service.commands import hpcbinderhub
from service.repository import ServedRepository
from service.running import RunningService

from hpcbinderhub.images.store import artefact_file

pytestmark = pytest.mark.slow


def build(person: Person, repository: ServedRepository) -> str:
    """Have a repository built; the image's key."""
    made = person.call("POST", "api/builds", {"repository": repository.url}).json()["build"]
    assert person.build_log(made["id"])[-1]["phase"] == "built"
    return str(made["key"])


def test_an_admin_looks_pins_and_removes(
    alice: Person, carol: Person, repository: ServedRepository
) -> None:
    key = build(alice, repository)
    short = key[:12]
    heading, row, total = hpcbinderhub(carol, "images", "list").splitlines()
    assert heading.split() == [
        "KEY", "SIZE", "SHARE", "LAUNCHES", "LAST", "LAUNCH", "STAYS", "REPOSITORY"
    ]  # fmt: skip
    assert row.split()[:7] == [short, "6", "bytes", "100.0", "%", "0", "never"]
    assert row.endswith(f"{repository.url} at {repository.head[:10]}")
    assert total == "1 images, 6 bytes."

    assert hpcbinderhub(carol, "images", "pin", short) == f"{short} stays: pinned by carol.\n"
    assert "pinned by carol" in hpcbinderhub(carol, "images", "list")
    refused = hpcbinderhub(carol, "images", "remove", short)
    assert refused == "This image is pinned by carol.\nUnpin it first.\n"
    hpcbinderhub(carol, "images", "unpin", short)
    assert "has it built again" in hpcbinderhub(carol, "images", "remove", short)
    assert hpcbinderhub(carol, "images", "list").splitlines()[-1] == (
        "0 images, 0 bytes. 1 more, 6 bytes, wait for a worker to remove them."
    )


def test_what_is_not_allowed_or_not_there_is_explained(
    alice: Person, carol: Person, repository: ServedRepository
) -> None:
    key = build(alice, repository)
    assert "needs the scope custom:hpcbinderhub:admin" in hpcbinderhub(alice, "images", "pin", key)
    assert "There is no image abc0" in hpcbinderhub(carol, "images", "remove", "abc0")
    assert "is no key" in hpcbinderhub(carol, "images", "remove", "nonsense")


def test_without_a_token_one_is_asked_for(alice: Person, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hpcbinderhub", "images", "list", "--url", alice.url]
    nobody = {name: value for name, value in os.environ.items() if name != "JUPYTERHUB_API_TOKEN"}
    done = subprocess.run(command, env=nobody, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "There is no token.")
    (tmp_path / "token").write_text(f"{alice.token}\n")
    given = ["--token-file", str(tmp_path / "token")]
    done = subprocess.run([*command, *given], env=nobody, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_scientist_takes_an_environment_home(
    alice: Person, service: RunningService, repository: ServedRepository, tmp_path: Path
) -> None:
    service.builder.bill = bill(python("six", "1.17.0"))
    key = build(alice, repository)
    # The tests' builder makes no real images.
    make_tree(tmp_path / "root")
    (tmp_path / "home").mkdir()
    make_artefact(tmp_path / "root", Path(artefact_file(service.site.artefacts, key)))
    archive = tmp_path / "home/environment.tar"
    told = hpcbinderhub(alice, "images", "export", key[:12], str(archive))
    assert f"Fetching {repository.url} at {repository.head[:12]}." in told
    assert "podman run --rm --publish 127.0.0.1:8888:8888 localhost/hpcbinderhub/" in told
    assert [path.name for path in archive.parent.iterdir()] == ["environment.tar"]
    with tarfile.open(archive) as tar:
        assert {"oci-layout", "index.json"} <= set(tar.getnames())
        index = tar.extractfile("index.json")
        assert index
        (described,) = json.load(index)["manifests"]
        manifest = tar.extractfile("blobs/" + described["digest"].replace(":", "/"))
        assert manifest
        said = json.load(manifest)["annotations"]
    assert said["hpcbinderhub.build-pack"] == "UvPack"


def test_an_image_whose_file_is_gone_is_not_exported(
    alice: Person, service: RunningService, repository: ServedRepository, tmp_path: Path
) -> None:
    key = build(alice, repository)
    Path(artefact_file(service.site.artefacts, key)).unlink()
    told = hpcbinderhub(alice, "images", "export", key, str(tmp_path / "out.tar"))
    assert "The file of this image is gone." in told
    assert not (tmp_path / "out.tar").exists()
