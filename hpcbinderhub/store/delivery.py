"""How artefacts get from a builder into the site's store, and leave it again."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ..builds.disk import free
from ..builds.request import Artefact
from ..errors import UserError
from ..site import Site
from ..slurm.certificates import KeyFile
from ..slurm.transport import SSHTransport
from .distant import DistantStore
from .files import remove, tidy

Say = Callable[[str], None]
"""Takes a line for the build's log."""


class Store(Protocol):
    """A site's store, as its builders see it."""

    folder: Path
    """Where builders put artefacts, each under its final name."""

    async def deliver(self, artefact: Artefact, reader: int | None, say: Say) -> None:
        """Have an artefact from the folder in the store. UserError if it does not take it in,
        Unavailable if it does not answer."""
        ...

    async def remove(self, artefact: str) -> None:
        """Remove an artefact, whoever may read it. OSError if it cannot be removed."""
        ...

    async def tidy(self) -> None:
        """Remove what was left in it by whoever was killed. OSError if that cannot be done."""
        ...

    async def free(self) -> int:
        """The bytes that are left in it."""
        ...


class MountedStore:
    """The folder is the store."""

    def __init__(self, folder: Path):
        self.folder = folder

    async def deliver(self, artefact: Artefact, reader: int | None, say: Say) -> None:
        """It is there."""

    async def remove(self, artefact: str) -> None:
        """See `Store.remove`."""
        await asyncio.to_thread(remove, self.folder, artefact)

    async def tidy(self) -> None:
        """See `Store.tidy`."""
        await asyncio.to_thread(tidy, self.folder)

    async def free(self) -> int:
        """See `Store.free`."""
        return await asyncio.to_thread(free, [self.folder])


class StagedStore:
    """Artefacts are made in a folder of the builder's own, and sent from there."""

    def __init__(self, folder: Path, distant: DistantStore):
        self.folder = folder
        self._distant = distant

    async def deliver(self, artefact: Artefact, reader: int | None, say: Say) -> None:
        """Send it; what was made here goes in either case, and a build that failed is made anew."""
        told = -1

        async def progress(there: int, size: int) -> None:
            nonlocal told
            tenth = 10 * there // max(size, 1)
            if tenth > told:
                told = tenth
                say(f"Sending the artefact: {there / 1e6:.0f} of {size / 1e6:.0f} MB")

        try:
            await self._distant.send(artefact, reader, progress)
        finally:
            await asyncio.to_thread(remove, self.folder, artefact.sha256)

    async def remove(self, artefact: str) -> None:
        """See `Store.remove`."""
        await self._distant.remove(artefact)

    async def tidy(self) -> None:
        """See `Store.tidy`."""
        await self._distant.tidy()

    async def free(self) -> int:
        """See `Store.free`."""
        return await self._distant.free()


def store_of(site: Site) -> Store:
    """The store that the site has configured, for one of its builders."""
    if not site.artefacts_login:
        return MountedStore(Path(site.artefacts))
    account, at, host = site.artefacts_login.partition("@")
    if not (account and at and host):
        raise UserError(
            f"c.Site.artefacts_login is {site.artefacts_login!r}.", "Write it like binder@dtn1:22."
        )
    folder = Path(site.builder_dir, "artefacts")
    # What a worker that was killed has made and not sent is made anew.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o711, parents=True)
    keys = KeyFile(site.artefacts_key_file)
    transport = SSHTransport([host], site.known_hosts, keys, site.agent_command)
    return StagedStore(folder, DistantStore(transport, account, site.artefacts))
