"""The agent on the hub's own host, as the user, by the one helper that sudo permits."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ...errors import Unavailable
from ..framing import Answer, Sink
from .base import Errands, Patience

AT_ONCE = 32
PIECE = 1 << 16
CLOSING_SECONDS = 1
SHOWN_BYTES = 300


class LocalTransport:
    """The agent by way of a command that reads whom to be and what to do."""

    def __init__(self, command: Sequence[str], patience: Patience | None = None):
        self._command = list(command)
        self._patience = patience or Patience()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._errands = Errands()

    async def call(
        self, user: str, request: dict[str, Any], data: Sink | None = None, host: str = ""
    ) -> dict[str, Any]:
        """See `Transport.call`. There is one host, so it is the one that is meant."""
        nonce = secrets.token_hex(16)
        answer = Answer(nonce, data)
        asked = json.dumps({"user": user, "request": {**request, "nonce": nonce}}).encode()
        refused = await self._errands.run(self._in_turn(asked, answer))
        if refused and not answer.complete:
            raise Unavailable(f"The cluster cannot be asked as {user}. {refused}")
        return answer.result()

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _in_turn(self, asked: bytes, answer: Answer) -> str:
        async with self._room:
            return await self._run(asked, answer)

    async def _run(self, asked: bytes, answer: Answer) -> str:
        """Feed what comes to the answer; what the helper said where it refused."""
        process = await self._start()
        assert process.stdin
        assert process.stdout
        assert process.stderr
        words = asyncio.ensure_future(process.stderr.read(SHOWN_BYTES))
        try:
            async with (
                asyncio.timeout(self._patience.longest),
                asyncio.timeout(self._patience.until_first(len(asked))) as patience,
            ):
                # It may refuse before it has read everything.
                with suppress(BrokenPipeError, ConnectionResetError):
                    process.stdin.write(asked)
                    process.stdin.write_eof()
                while not answer.complete and (piece := await process.stdout.read(PIECE)):
                    if answer.feed(piece):
                        now = asyncio.get_running_loop().time()
                        patience.reschedule(now + self._patience.answer)
                return "" if answer.complete else (await words).decode(errors="replace").strip()
        except TimeoutError as error:
            # What sudo runs is root's: it ends by itself, and nobody reads what it says any more.
            with suppress(ProcessLookupError, PermissionError):
                process.kill()
            raise Unavailable(
                "The agent began to answer, and did not end."
                if answer.begun
                else f"The agent did not answer in {self._patience.first:g} s."
            ) from error
        finally:
            words.cancel()
            process.stdin.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), CLOSING_SECONDS)

    async def _start(self) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd="/",
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
            )
        except OSError as error:
            raise Unavailable(f"The helper for c.Site.transport cannot be run: {error}") from error
