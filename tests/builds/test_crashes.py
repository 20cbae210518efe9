"""`kill -9` of each process of a build in each phase, and full disks: nothing half done is left.

Nothing but what the next build of the same storage removes, at least: it works, and then is alone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builds.outcomes import (
    Running,
    alive,
    built,
    eventually,
    failed,
    nothing_is_left,
    whole_artefacts,
)

if TYPE_CHECKING:
    from conftest import Builder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SLOW = "#!/bin/sh\necho the step runs\nsleep 4321\n"

# The phase by what the build says when it is in it, and who is killed by what its command says.
BUILDING, CONVERTING = "the step runs", "Converting the image"
VICTIMS = {
    "supervisor": ("hpcbinderhub.builds.run", 0),
    "unshare": ("hpcbinderhub.builds.pipeline", 0),
    "pipeline": ("hpcbinderhub.builds.pipeline", -1),
    "buildah": (" run --user", 0),
    "connector": ("slirp4netns", 0),
    "step": ("sleep 4321", -1),
    "mksquashfs": ("mksquashfs", 0),
}
MATRIX = [
    *((BUILDING, victim) for victim in VICTIMS if victim != "mksquashfs"),
    *((CONVERTING, victim) for victim in ("supervisor", "unshare", "pipeline", "mksquashfs")),
]


def loop_devices() -> set[str]:
    """Those that are in use."""
    return {path.parent.name for path in Path("/sys/block").glob("loop*/loop")}


@pytest.mark.parametrize(("phase", "victim"), MATRIX)
def test_a_killed_build_leaves_nothing(builder: Builder, phase: str, victim: str) -> None:
    if victim == "connector" and not builder.confinement.get("network"):
        pytest.skip("this host gives builds no network of their own")
    before = loop_devices()
    script = SLOW if phase == BUILDING else "#!/bin/sh\n"
    process = builder.start(builder.repository({"postBuild": script}))
    assert process.stdout is not None
    for line in process.stdout:
        if phase in line:
            break
    word, which = VICTIMS[victim]
    eventually(lambda: Running(process.pid).named(word), 60, f"there is a {victim}")
    running = Running(process.pid)
    os.kill(running.named(word)[which], signal.SIGKILL)
    if victim == "connector":
        # A build that has lost its network may need it no more: it is ended as by its owner.
        assert alive(process.pid)
        process.terminate()
    process.communicate(timeout=120)
    running.gone()
    assert f"{builder.folder}/" not in Path("/proc/self/mounts").read_text("utf-8")
    assert loop_devices() <= before
    whole_artefacts(builder.artefacts)
    next_one = builder.build(builder.repository({"postBuild": "echo works; exit 3"}))
    failed(next_one, "postbuild")  # So that nothing has to be converted.
    assert "works" in [event.get("message") for event in next_one]
    nothing_is_left(builder)


@pytest.fixture
def small(builder: Builder, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system with room for a few megabytes, where only root can mount one."""
    if os.getuid() != 0:
        pytest.skip("only root mounts a small file system for a test")
    folder = builder.folder.with_name(f"{builder.folder.name}-small")
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={request.param},mode=0777", "tmpfs", folder],
        check=True,
    )
    yield folder
    subprocess.run(["umount", folder], check=True)
    folder.rmdir()


@pytest.mark.parametrize("small", ["20m"], indirect=True)
def test_a_full_artefact_store(builder: Builder, small: Path) -> None:
    context = builder.repository({"README.md": ""})
    event = failed(builder.build(context, artefact_dir=str(small)), "no-space")
    assert "artefact store" in event["advice"]
    assert list(small.iterdir()) == []
    nothing_is_left(builder)
    built(builder.build(context))


@pytest.mark.parametrize("small", ["1500m"], indirect=True)
def test_a_full_storage(builder: Builder, small: Path) -> None:
    other = builder.neighbour(small / "builder")
    try:
        room = os.statvfs(small)
        more = room.f_bavail * room.f_frsize + (10 << 20)
        script = f"#!/bin/sh\nset -e\nhead -c {more} /dev/zero > large\n"
        event = failed(other.build(other.repository({"postBuild": script})), "no-space")
        assert "build host" in event["message"]
        artefacts = {"artefact_dir": str(builder.artefacts)}
        built(other.build(other.repository({"README.md": ""}), **artefacts))
        nothing_is_left(other)
        assert json.loads(other.buildah("containers", "--json") or "[]") in ([], None)
    finally:
        other.remove()
