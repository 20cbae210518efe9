"""What real builds leave behind and what comes of them, for the tests of real builds."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcbinderhub.builds.processes import descendants

if TYPE_CHECKING:
    from conftest import Builder


def read(artefact: dict[str, Any], path: str) -> str:
    """A file of an artefact."""
    return subprocess.run(
        ["unsquashfs", "-cat", artefact["path"], path], capture_output=True, text=True, check=True
    ).stdout


def paths(artefact: dict[str, Any]) -> set[str]:
    """All paths of an artefact."""
    text = subprocess.run(
        ["unsquashfs", "-l", artefact["path"]], capture_output=True, text=True, check=True
    ).stdout
    return {line.removeprefix("squashfs-root/") for line in text.splitlines()}


def built(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The last event of a build that went well."""
    assert events[-1]["phase"] == "built", events[-1]
    return events[-1]


def failed(events: list[dict[str, Any]], cause: str) -> dict[str, Any]:
    """The last event of a build that failed for a reason."""
    assert (events[-1]["phase"], events[-1].get("cause")) == ("failed", cause), events[-1]
    return events[-1]


def nothing_is_left(builder: Builder) -> None:
    """No container, no image but the base and what it came from, no mount, no temporary file."""
    assert builder.buildah("containers", "--quiet") == ""
    assert "hpcbinderhub/test" not in builder.buildah("images")
    assert f"{builder.folder}/" not in Path("/proc/self/mounts").read_text("utf-8")
    assert [path.name for path in (builder.folder / "tmp").iterdir()] == ["storage.lock"]
    assert not list(builder.artefacts.glob(".partial-*"))


def whole_artefacts(folder: Path) -> None:
    """Whatever has a final name is what its name says, and is described."""
    for path in folder.glob("*.squashfs"):
        if not path.name.startswith("."):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
            assert json.loads(path.with_suffix(".json").read_text("utf-8"))["sha256"] == path.stem


class Running:
    """All processes of a build that runs, and the namespaces that they are in."""

    def __init__(self, supervisor: int):
        self.processes = [supervisor, *descendants(supervisor)]
        ours = set(_namespaces(os.getpid()))
        self.namespaces = {
            link for process in self.processes for link in _namespaces(process) if link not in ours
        }

    def named(self, word: str) -> list[int]:
        """Those whose command line holds a word, the first ones first."""
        return [process for process in self.processes if word in command_line(process)]

    def gone(self, seconds: float = 60) -> None:
        """Wait until nothing of it is left."""
        eventually(lambda: not any(map(alive, self.processes)), seconds, "its processes end")
        # One that was started after they were counted ends with its namespace, a moment later.
        eventually(lambda: not self.namespaces & _inhabited(), seconds, "its namespaces are empty")


def _inhabited() -> set[str]:
    """The namespaces of all processes."""
    entries = Path("/proc").glob("[0-9]*")
    return {link for entry in entries for link in _namespaces(int(entry.name))}


def _namespaces(process: int) -> list[str]:
    found = []
    for kind in ("net", "pid", "mnt", "user"):
        try:
            found.append(os.readlink(f"/proc/{process}/ns/{kind}"))
        except OSError:
            continue
    return found


def alive(process: int) -> bool:
    """Whether a process still runs."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def command_line(process: int) -> str:
    """A process's command and its arguments."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return ""
    return words.replace(b"\0", b" ").decode("utf-8", "replace")


def eventually(happens: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
