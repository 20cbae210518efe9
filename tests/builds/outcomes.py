"""How a build ended, and what its artefact holds."""

from __future__ import annotations

import subprocess
from typing import Any


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
