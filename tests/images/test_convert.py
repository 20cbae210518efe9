"""Making an artefact of a tree that a stranger filled."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from images.bills.bills import bill, python

from hpcbinderhub.builds.request import Artefact
from hpcbinderhub.errors import UserError
from hpcbinderhub.images import convert
from hpcbinderhub.images.bills.cyclonedx import document
from hpcbinderhub.images.processors import share
from hpcbinderhub.images.store import CLOSED_MODE, OPEN_MODE, make_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree as a build leaves it."""
    root = tmp_path / "root"
    for folder in ("etc", "proc", "tmp", "run"):
        (root / folder).mkdir(parents=True)
    return root


def converted(root: Path, store: Path, mode: int = OPEN_MODE) -> Artefact:
    """Make the artefact of a tree."""
    if shutil.which("mksquashfs") is None:
        pytest.skip("squashfs-tools are not installed on this host")
    store.mkdir(exist_ok=True)
    place, packages = convert.Place(store, "here", mode), bill(python("six", "1.17.0"))
    *_lines, artefact = convert.from_tree(root, place, {"key": "k"}, packages)
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
    found = listing(converted(root, tmp_path / "store"))
    assert found["etc/secret"] == "-rw-r--r-- 0/0"
    assert found["etc/program"] == "-rwxr-xr-x 0/0"
    assert found["etc/setuid"] == "-rwxr-xr-x 0/0"
    assert found["etc/closed"] == "drwxr-xr-x 0/0"
    assert "etc/link" in found
    assert {"tmp", "run", "proc"} <= set(found)
    assert not {"tmp/left", "run/.hidden", "proc/1"} & set(found)


def test_an_artefact_is_named_by_its_content(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    artefact = converted(root, store)
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
    converted(root, tmp_path / "store")
    assert before == [{"json", "cdx.json"}]


def test_an_artefact_in_a_readers_folder_is_hers(root: Path, tmp_path: Path) -> None:
    folder = make_folder(tmp_path, 2001)
    converted(root, folder, CLOSED_MODE)
    hers = struct.pack("<HHI", 2, 5, 2001)
    assert len(list(folder.iterdir())) == 3
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o640
        assert hers in os.getxattr(path, "system.posix_acl_access")


def test_a_conversion_that_fails_leaves_nothing(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with pytest.raises(UserError, match="could not be converted"):
        converted(root / "absent", store)
    assert list(store.iterdir()) == []


def test_only_the_own_unfinished_files_are_removed(tmp_path: Path) -> None:
    names = [".partial-here-1.squashfs", ".partial-there-1.squashfs", "a.squashfs"]
    for name in names:
        (tmp_path / name).write_text("", "utf-8")
    convert.remove_partial(tmp_path, "here")
    assert sorted(path.name for path in tmp_path.iterdir()) == names[1:]


CONVERT = """
import sys
from pathlib import Path
from hpcbinderhub.images import convert
from hpcbinderhub.images.bills.cyclonedx import document
for line in convert.from_tree(Path(sys.argv[1]), convert.Place(Path(sys.argv[2]), "here"), {}):
    pass
"""


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8])
def test_killed_at_any_moment_nothing_half_done_has_a_name(
    root: Path, tmp_path: Path, seconds: float
) -> None:
    if shutil.which("mksquashfs") is None:
        pytest.skip("squashfs-tools are not installed on this host")
    (root / "etc/large").write_bytes(os.urandom(60_000_000))
    store = tmp_path / "store"
    store.mkdir()
    command = [sys.executable, "-c", CONVERT, str(root), str(store)]
    # All of it is killed at once, as by the end of a build's process namespace.
    with subprocess.Popen(command, start_new_session=True) as process:
        while not list(store.iterdir()) and process.poll() is None:
            time.sleep(0.005)
        time.sleep(seconds)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    convert.remove_partial(store, "here")
    for path in store.glob("*.squashfs"):
        assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()
        assert path.with_suffix(".json").exists()
    assert {path.suffix for path in store.iterdir()} <= {".squashfs", ".json"}
    assert not list(store.glob(".*"))


def test_a_full_disk_leaves_nothing_and_says_so(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", store]).returncode != 0:
        pytest.skip("no file system of a given size can be made here")
    try:
        (root / "etc/large").write_bytes(os.urandom(1 << 20))
        with pytest.raises(UserError, match="could not be converted"):
            converted(root, store)
        assert list(store.iterdir()) == []
    finally:
        subprocess.run(["umount", store], check=True)


def test_threads_are_what_is_free_but_at_least_half() -> None:
    assert share(8, math.inf, load=0.3) == 8
    assert share(8, math.inf, load=2.5) == 6
    assert share(8, math.inf, load=50) == 4
    assert share(8, 2.5, load=0) == 3
    assert share(1, 0.5, load=9) == 1
