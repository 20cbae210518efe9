"""Engines themselves, on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from images.engine_site import ACCOUNT, EngineSite, Registry


@pytest.fixture(scope="module")
def engine_site() -> Iterator[EngineSite]:
    """Below /tmp, which every image has."""
    if os.getuid() == 0 and subprocess.run(["id", ACCOUNT], capture_output=True).returncode:
        pytest.skip(f"needs an account {ACCOUNT}, with ranges in /etc/subuid")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("/dev/fuse is missing or closed")
    with tempfile.TemporaryDirectory(prefix="engines-", dir="/tmp") as folder:
        made = EngineSite.make(Path(folder))
        yield made
        if shutil.which("podman"):
            # Its storage holds files of other numbers, and a process of its waits for more.
            made.run("podman", "unshare", "rm", "-rf", f"{folder}/scratch/storage")
            made.run("podman", "system", "migrate")


@pytest.fixture(scope="module")
def registry(engine_site: EngineSite) -> Iterator[Registry]:
    """A registry with the image under its artefact's digest."""
    with Registry() as made:
        made.add_image("images", "a" * 64, engine_site.folder / "tree")
        yield made
