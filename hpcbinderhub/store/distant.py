"""An artefact store that the builder does not mount: artefacts are sent to it over the transport.

At the far end the agent works as the account that owns the store.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ..builds.request import Artefact
from ..errors import Unavailable, UserError
from ..slurm.framing import AgentError
from ..slurm.transport import Transport
from .files import noted

PIECE = 8 << 20
TRIES = 8
PAUSE = 0.5

Progress = Callable[[int, int], Awaitable[None]]
"""Told how many bytes of how many are there."""


class DistantStore:
    """A store by its path at the far end."""

    def __init__(self, transport: Transport, account: str, path: str):
        self._transport = transport
        self._account = account
        self._path = path

    async def send(self, artefact: Artefact, reader: int | None, progress: Progress) -> None:
        """Send an artefact and what lies beside it. What is there already is not sent again."""
        what = {"artefact": artefact.sha256, "reader": reader}
        try:
            begun = await self._call("artefact-begin", **what)
            if begun["whole"]:
                return
            # Whether it is the beginning of this very file shows at its end.
            offset = begun["size"] if begun["size"] <= artefact.size else 0
            while offset < artefact.size:
                await progress(offset, artefact.size)
                data = await asyncio.to_thread(_read, artefact.path, offset)
                text = base64.b64encode(data).decode()
                await self._call("artefact-piece", **what, offset=offset, data=text)
                offset += len(data)
            beside = await asyncio.to_thread(noted, artefact.path.parent, artefact.sha256)
            await self._call("artefact-finish", **what, beside=beside)
            await progress(offset, artefact.size)
        except AgentError as error:
            raise UserError(
                "The artefact store did not take the artefact in.",
                "Launch again; if it goes on, tell your help desk.",
                detail=str(error),
            ) from error

    async def remove(self, artefact: str) -> None:
        """Remove an artefact, whoever may read it."""
        try:
            await self._call("artefact-remove", artefact=artefact)
        except AgentError as error:
            raise OSError(str(error)) from error

    async def tidy(self) -> None:
        """Remove what conversions, imports and transfers that were killed have left."""
        try:
            await self._call("artefact-tidy")
        except AgentError as error:
            raise OSError(str(error)) from error

    async def free(self) -> int:
        """The bytes that are left in it."""
        try:
            return int((await self._call("artefact-room"))["free"])
        except AgentError as error:
            raise Unavailable(f"The artefact store cannot be looked at: {error}") from error

    async def _call(self, operation: str, **what: Any) -> dict[str, Any]:
        """Ask until it is answered: each operation may be repeated."""
        request = {"op": operation, "store": self._path, **what}
        for number in range(TRIES):
            try:
                return await self._transport.call(self._account, request)
            except Unavailable:
                if number == TRIES - 1:
                    raise
                await asyncio.sleep(PAUSE * 2**number)
        raise AssertionError("the last try returns or raises")


def _read(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(PIECE)
