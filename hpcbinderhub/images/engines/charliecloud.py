"""Charliecloud: unprivileged, runs a squashfs file as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...site import Site
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
        """`view` covers the file system with her home; then only `root` is put back into it.

        The view goes first: a mount on the same file system at its own path would otherwise be
        covered by it.
        """
        where = run.where
        mounts = [(str(where.view), str(where.mount)), (str(where.root), str(where.root))]
        mounts += [(root, root) for root in run.data_roots if root != str(where.mount)]
        binds = [f"--bind={source}:{target}" for source, target in mounts]
        return ["ch-run", *binds, f"--cd={where.root}", run.image, "--", *run.command]
