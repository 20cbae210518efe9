"""What the engines share that run the artefact's own file."""

from __future__ import annotations

from typing import ClassVar

from ...site import Site
from ..store import artefact_file
from .base import Engine


class FileEngine(Engine):
    """An engine that opens the artefact as the user, on the node: nothing has to be made ready, and
    who may read the file is who may run it."""

    hides_home: ClassVar[bool] = True
    keeps_apart: ClassVar[bool] = True
    needs_fuse: ClassVar[bool] = True

    def __init__(self, site: Site):
        self._store = site.artefacts

    async def ensure(self, user: str, artefact: str, reader: int | None) -> str:
        """The file's path."""
        return artefact_file(self._store, artefact, reader)
