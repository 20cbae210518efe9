"""Charliecloud: unprivileged, runs a squashfs file as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import ClassVar

from ...site import Site
from ...workspaces import top_level
from ..store import artefact_file
from .base import ContainerRun, Engine


class Charliecloud(Engine):
    """`ch-run` with the artefact's own file. Nothing has to be made ready."""

    name: ClassVar[str] = "charliecloud"
    hides_home: ClassVar[bool] = True
    keeps_apart: ClassVar[bool] = True

    def __init__(self, site: Site):
        self._store = site.artefacts

    async def ensure(self, user: str, artefact: str, reader: int | None) -> str:
        """The file's path; `ch-run` needs no more, and opens it as the user."""
        return artefact_file(self._store, artefact, reader)

    def command(self, run: ContainerRun) -> Sequence[str]:
        """Empty copies cover the file systems with her files; then what is shown is put back.

        The copies go first: a mount on the same file system at its own path would otherwise be
        covered by them.
        """
        where, shown = run.where, run.where.shown(run.reach)
        covered = dict.fromkeys(top_level(path) for path in shown)
        mounts = [(str(where.copy_of(top)), str(top)) for top in covered]
        mounts += [(str(path), str(path)) for path in shown]
        mounts += [(root, root) for root in run.data_roots if PurePosixPath(root) not in covered]
        binds = [f"--bind={source}:{target}" for source, target in mounts]
        return ["ch-run", *binds, f"--cd={where.root}", run.image, "--", *run.command]
