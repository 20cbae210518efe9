"""An artefact and its repository as an OCI archive."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from images.bills.bills import bill, python
from images.small_image import START, make_artefact, make_bundle, make_tree

from hpcbinderhub.errors import UserError
from hpcbinderhub.images.bills.annotations import annotations_of
from hpcbinderhub.images.export import Source, export

REPOSITORY = "https://example.org/geo/Soundings.git"


@dataclass
class Archive:
    """What was exported, taken apart by the standard's own rules."""

    path: Path
    commit: str

    def read(self, name: str) -> bytes:
        with tarfile.open(self.path) as tar:
            member = tar.extractfile(name)
            assert member
            return member.read()

    def blob(self, described: dict[str, Any]) -> bytes:
        kind, _, digest = described["digest"].partition(":")
        found = self.read(f"blobs/{kind}/{digest}")
        assert hashlib.sha256(found).hexdigest() == digest
        assert len(found) == described["size"]
        return found

    @property
    def described(self) -> dict[str, Any]:
        (manifest,) = json.loads(self.read("index.json"))["manifests"]
        return dict(manifest)

    @property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads(self.blob(self.described)))

    @property
    def image(self) -> dict[str, Any]:
        return dict(json.loads(self.blob(self.manifest["config"])))

    def layers(self) -> list[tarfile.TarFile]:
        plain = [gzip.decompress(self.blob(layer)) for layer in self.manifest["layers"]]
        digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in plain]
        assert digests == self.image["rootfs"]["diff_ids"]
        return [
            tarfile.open(fileobj=io.BytesIO(layer), errors="surrogateescape") for layer in plain
        ]


def exported(root: Path, tmp_path: Path) -> Archive:
    make_artefact(root, tmp_path / "a.squashfs")
    commit = make_bundle(tmp_path / "repository", tmp_path / "bundle")
    archive = Archive(tmp_path / "out.tar", commit)
    source = Source(REPOSITORY, commit, made=0.0, bill=bill(python("six", "1.17.0")))
    export(tmp_path / "a.squashfs", tmp_path / "bundle", source, archive.path)
    return archive


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_tree(tmp_path / "root")
    return tmp_path / "root"


def test_it_says_what_runs_where_and_as_whom(root: Path, tmp_path: Path) -> None:
    archive = exported(root, tmp_path)
    image = archive.image
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    assert (image["architecture"], image["os"]) == (machine, "linux")
    config = image["config"]
    assert config["Entrypoint"] == ["/srv/hpcbinder/export/start"]
    assert (config["User"], config["WorkingDir"]) == ("1000:1000", "/srv/repo")
    assert {"A=b c", "HOME=/srv/home"} < set(config["Env"])
    assert config["Labels"]["org.opencontainers.image.revision"] == archive.commit
    name = archive.described["annotations"]["org.opencontainers.image.ref.name"]
    assert name == f"localhost/hpcbinderhub/soundings:{archive.commit[:12]}"


def test_it_says_how_its_environment_was_made(root: Path, tmp_path: Path) -> None:
    assert exported(root, tmp_path).manifest["annotations"] == annotations_of(
        bill(python("six", "1.17.0"))
    )


def test_the_tree_is_the_artefacts_whatever_its_names_and_modes(root: Path, tmp_path: Path) -> None:
    odd = root / "usr/bin"
    for name in ("with space", "back\\slash", "quote'", "umläut", os.fsdecode(b"\xff")):
        (odd / name).write_text(name, errors="surrogateescape")
    os.link(odd / "umläut", odd / "a hard link")
    (odd / "a link").symlink_to("to a\\place")
    (odd / "empty").touch()
    (odd / "same").write_text("umläut")
    os.truncate(odd / "empty", 0)
    with (odd / "sparse").open("wb") as file:
        file.truncate(1 << 20)
        file.seek(1 << 20)
        file.write(b"end")
    (odd / "closed").mkdir()
    (odd / "closed/inside").write_text("x")
    (odd / "closed").chmod(0o555)
    os.mkfifo(odd / "pipe")

    tree, _ = exported(root, tmp_path).layers()
    content = {
        member.name.removeprefix("usr/bin/"): tree.extractfile(member)
        for member in tree
        if member.name.startswith("usr/bin/") and (member.isreg() or member.islnk())
    }
    texts = {name: file.read() for name, file in content.items() if file}
    for name in ("with space", "back\\slash", "quote'", "umläut", os.fsdecode(b"\xff")):
        assert texts[name] == os.fsencode(name)
    assert texts["a hard link"] == texts["same"] == "umläut".encode()
    assert texts["empty"] == b""
    assert texts["sparse"] == bytes(1 << 20) + b"end"
    assert texts["closed/inside"] == b"x"
    assert tree.getmember("usr/bin/a link").linkname == "to a\\place"
    assert tree.getmember("usr/bin/closed").mode == 0o555
    assert "usr/bin/pipe" not in tree.getnames()


def test_what_the_user_writes_is_hers_and_the_rest_is_not(root: Path, tmp_path: Path) -> None:
    tree, content = exported(root, tmp_path).layers()
    owners = {member.name: member.uid for member in (*tree, *content)}
    assert owners["usr/bin"] == owners["srv/hpcbinder/image.json"] == 0
    assert owners["srv/home"] == owners["srv/repo"] == 1000
    assert owners["srv/repo/made-by-the-build"] == owners["srv/repo/index.ipynb"] == 1000


def test_the_repository_is_a_clone_with_its_history(root: Path, tmp_path: Path) -> None:
    archive = exported(root, tmp_path)
    _, content = archive.layers()
    content.extractall(tmp_path / "there", filter="tar")
    clone = tmp_path / "there/srv/repo"

    def git(*arguments: str) -> str:
        command = ["git", "-c", f"safe.directory={clone}", "-C", str(clone), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert git("rev-parse", "HEAD") == archive.commit
    assert git("status", "--short") == ""
    assert git("remote", "get-url", "origin") == REPOSITORY


def test_the_start_program_runs_jupyterlab_by_the_repositorys_own(
    root: Path, tmp_path: Path
) -> None:
    _, content = exported(root, tmp_path).layers()
    member = content.getmember("srv/hpcbinder/export/start")
    assert member.mode == 0o755
    script = content.extractfile(member)
    assert script
    last = script.read().decode().splitlines()[-1]
    assert last.startswith(f"exec {START} /srv/hpcbinder/bin/python3 -I -m jupyterlab")


def test_a_file_that_is_no_image_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    make_bundle(tmp_path / "repository", tmp_path / "bundle")
    (tmp_path / "a.squashfs").write_bytes(b"squash")
    if shutil.which("unsquashfs") is None:
        pytest.skip("squashfs-tools are not installed on this host")
    folder = tmp_path / "here"
    folder.mkdir()
    source = Source(REPOSITORY, "0" * 40, 0.0)
    with pytest.raises(UserError, match="could not be read") as refused:
        export(tmp_path / "a.squashfs", tmp_path / "bundle", source, folder / "out.tar")
    assert "squashfs" in refused.value.detail
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ["skopeo", "inspect", "oci-archive:{archive}"],
        ["skopeo", "copy", "oci-archive:{archive}", "dir:{folder}/copied"],
        ["umoci", "unpack", "--rootless", "--image", "{folder}/layout:{name}", "{folder}/bundle"],
    ],
    ids=" ".join,
)
def test_other_programs_understand_it(command: list[str], root: Path, tmp_path: Path) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed on this host")
    archive = exported(root, tmp_path)
    folder = tmp_path / "elsewhere"
    with tarfile.open(archive.path) as tar:
        tar.extractall(folder / "layout", filter="tar")
    name = archive.described["annotations"]["org.opencontainers.image.ref.name"]
    filled = [word.format(archive=archive.path, folder=folder, name=name) for word in command]
    done = subprocess.run(filled, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    unpacked = folder / "bundle/rootfs/srv/repo"
    if command[0] == "umoci":
        assert {"index.ipynb", "made-by-the-build", ".git"} <= set(os.listdir(unpacked))
