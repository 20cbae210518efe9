"""Making an artefact of a tree that a stranger filled."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from images.bills.bills import bill, python

from hpcbinderhub.builds.request import Artefact
from hpcbinderhub.errors import UserError
from hpcbinderhub.images import squash
from hpcbinderhub.images.bills.cyclonedx import document
from hpcbinderhub.images.store import CLOSED_MODE, OPEN_MODE, make_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The tree of a finished image."""
    root = tmp_path / "root"
    for folder in ("srv/hpcbinder/bin", "srv/repo", "proc", "tmp", "run", "etc"):
        (root / folder).mkdir(parents=True)
    for name in ("hpcbinder", "jupyterhub-singleuser", "python3"):
        (root / "srv/hpcbinder/bin" / name).write_text("#!/bin/sh\n", "utf-8")
    return root


def test_no_link_of_the_image_leads_out_of_it(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "repo").mkdir(parents=True)
    (outside / "repo/secret").write_text("x", "utf-8")
    shutil.rmtree(root / "srv")
    (root / "srv").symlink_to(outside)
    squash.add_folders(root, ["/srv/new", "/fine/inner"])
    assert not (outside / "new").exists()
    assert (root / "fine/inner").is_dir()


def test_an_image_that_could_not_be_launched_is_refused(root: Path) -> None:
    squash.check_programs(root)
    (root / "srv/hpcbinder/bin/hpcbinder").unlink()
    with pytest.raises(UserError, match="lacks hpcbinder"):
        squash.check_programs(root)


def convert(root: Path, store: Path, mode: int = OPEN_MODE) -> Artefact:
    """Make the artefact of a tree."""
    if shutil.which("mksquashfs") is None:
        pytest.skip("squashfs-tools are not installed on this host")
    store.mkdir(exist_ok=True)
    *_lines, artefact = squash.make_squashfs(
        root, store, storage_id="here", record={"key": "k"}, processors=1, mode=mode,
        bill=bill(python("six", "1.17.0")),
    )  # fmt: skip
    assert isinstance(artefact, Artefact)
    return artefact


def listing(artefact: Artefact) -> dict[str, str]:
    """Mode and owner of every file of an artefact."""
    text = subprocess.run(
        ["unsquashfs", "-lln", str(artefact.path)], capture_output=True, text=True, check=True
    ).stdout
    lines = (line.split(None, 5) for line in text.splitlines() if "squashfs-root/" in line)
    return {
        fields[5].split(" -> ")[0].removeprefix("squashfs-root/"): f"{fields[0]} {fields[1]}"
        for fields in lines
    }


def test_an_artefact_is_readable_by_all_and_makes_nobody_root(root: Path, tmp_path: Path) -> None:
    for name, mode in (("secret", 0o600), ("program", 0o700), ("setuid", 0o6755)):
        (root / "etc" / name).write_text("x", "utf-8")
        (root / "etc" / name).chmod(mode)
    (root / "etc/closed").mkdir(mode=0o700)
    (root / "etc/link").symlink_to("/outside")
    for name in ("tmp/left", "run/.hidden", "proc/1"):
        (root / name).write_text("x", "utf-8")
    found = listing(convert(root, tmp_path / "store"))
    assert found["etc/secret"] == "-rw-r--r-- 0/0"
    assert found["etc/program"] == "-rwxr-xr-x 0/0"
    assert found["etc/setuid"] == "-rwxr-xr-x 0/0"
    assert found["etc/closed"] == "drwxr-xr-x 0/0"
    assert "etc/link" in found
    assert {"tmp", "run", "proc"} <= set(found)
    assert not {"tmp/left", "run/.hidden", "proc/1"} & set(found)


def test_an_artefact_is_named_by_its_content(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    artefact = convert(root, store)
    assert {path.name for path in store.iterdir()} == {
        f"{artefact.sha256}.squashfs",
        f"{artefact.sha256}.json",
        f"{artefact.sha256}.cdx.json",
    }
    assert artefact.path.stat().st_mode & 0o777 == 0o644
    assert artefact.path.stat().st_size == artefact.size
    beside = json.loads(artefact.path.with_suffix(".json").read_text("utf-8"))
    assert (beside["sha256"], beside["key"]) == (artefact.sha256, "k")
    known = json.loads(artefact.path.with_suffix(".cdx.json").read_text("utf-8"))
    assert known == document(bill(python("six", "1.17.0")), artefact.sha256)


def test_what_is_known_of_an_artefact_is_there_before_it_is(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: list[set[str]] = []
    rename = Path.rename

    def watched(self: Path, target: Path) -> Path:
        if target.suffix == ".squashfs":
            before.append({path.name.partition(".")[2] for path in target.parent.glob("[0-9a-f]*")})
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watched)
    convert(root, tmp_path / "store")
    assert before == [{"json", "cdx.json"}]


def test_an_artefact_in_a_readers_folder_is_hers(root: Path, tmp_path: Path) -> None:
    folder = make_folder(tmp_path, 2001)
    convert(root, folder, CLOSED_MODE)
    hers = struct.pack("<HHI", 2, 5, 2001)
    assert len(list(folder.iterdir())) == 3
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o640
        assert hers in os.getxattr(path, "system.posix_acl_access")


def test_a_conversion_that_fails_leaves_nothing(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with pytest.raises(UserError, match="could not be converted"):
        convert(root / "absent", store)
    assert list(store.iterdir()) == []


def test_only_the_own_unfinished_files_are_removed(tmp_path: Path) -> None:
    names = [".partial-here-1.squashfs", ".partial-there-1.squashfs", "a.squashfs"]
    for name in names:
        (tmp_path / name).write_text("", "utf-8")
    squash.remove_partial(tmp_path, "here")
    assert sorted(path.name for path in tmp_path.iterdir()) == names[1:]
