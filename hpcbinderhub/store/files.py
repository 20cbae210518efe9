"""The store's files: an artefact, and beside it what was noted about it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..images import signing
from ..images.bills import cyclonedx
from ..images.store import READERS
from ..slurm.agent.leftovers import remove_leftovers

NOTES = ("json", cyclonedx.ENDING, signing.ENDING)
ENDINGS = ("squashfs", *NOTES)
_NAME = re.compile(rf"([0-9a-f]{{64}})\.({'|'.join(map(re.escape, ENDINGS))})", re.ASCII)


@dataclass(frozen=True)
class Stray:
    """An artefact that lies in the store and is no image's."""

    artefact: str
    size: int


def folders(store: Path) -> list[Path]:
    """The store itself, and those of its readers' folders that this account may look into."""
    return [store, *(path for path in store.glob(f"{READERS}/*") if os.access(path, os.R_OK))]


def strays(store: Path, known: Collection[str], before: float) -> list[Stray]:
    """Artefacts that are not `known` and have not changed since `before`: a build that is being
    finished has its file in the store before its image is known. What somebody imported stays: no
    image was ever to be known of it."""
    sizes: dict[str, int] = {}
    recent: set[str] = set()
    for entry in (entry for folder in folders(store) for entry in os.scandir(folder)):
        name = _NAME.fullmatch(entry.name)
        if name is None or name[1] in known:
            continue
        with suppress(FileNotFoundError):  # Somebody else was faster.
            status = entry.stat(follow_symlinks=False)
            sizes[name[1]] = sizes.get(name[1], 0) + status.st_size
            if status.st_mtime >= before:
                recent.add(name[1])
    found = [Stray(name, size) for name, size in sorted(sizes.items()) if name not in recent]
    return [stray for stray in found if not _is_imported(store, stray.artefact)]


def noted(folder: Path, artefact: str) -> dict[str, str]:
    """What lies beside an artefact, by the ending of its name."""
    paths = {ending: folder / f"{artefact}.{ending}" for ending in NOTES}
    return {ending: path.read_text() for ending, path in paths.items() if path.exists()}


def tidy(store: Path) -> None:
    """Remove what conversions and imports that were killed have left; for whoever owns the
    store."""
    remove_leftovers(str(store))


def _is_imported(store: Path, artefact: str) -> bool:
    """Whether it says so itself, and is there."""
    try:
        note = json.loads((store / f"{artefact}.json").read_bytes())
    except (OSError, ValueError):
        return False
    there = (store / f"{artefact}.squashfs").exists()
    return isinstance(note, dict) and note.get("imported") is True and there


def remove(store: Path, artefact: str) -> None:
    """Remove an artefact, whoever may read it, and what was noted about it; one that is gone is no
    error."""
    for ending in ENDINGS:
        name = f"{artefact}.{ending}"
        if not _NAME.fullmatch(name):
            raise ValueError(f"{artefact!r} is no artefact's name")
        for folder in folders(store):
            (folder / name).unlink(missing_ok=True)
