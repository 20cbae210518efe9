"""The hub's end of the control channel."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress

from .folder import Folder, peer_of
from .messages import LINE_BYTES, Answer, Close, Greeting, Look, Open, Request

GREETING_SECONDS = 10.0


class Link:
    """A connection to the process, which answers in its own order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self.generation = 0
        self.pid = peer_of(writer).pid

    async def hear_greeting(self) -> None:
        """What it says first. OSError if it says nothing."""
        async with asyncio.timeout(GREETING_SECONDS):
            line = await self._reader.readline()
        if not line:
            raise ConnectionResetError("it ended at once")
        self.generation = Greeting.model_validate_json(line).generation

    def tell(self, asked: Open | Close | Look) -> int:
        """Send it now; the number of the request."""
        number = next(self._numbers)
        self._writer.write(Request(number=number, asked=asked).line())
        return number

    async def ask(self, asked: Open | Look) -> Answer:
        """The answer. ConnectionError if the process ends before it gives one."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        number = self.tell(asked)
        self._waiting[number] = answer
        return await answer

    async def listen(self) -> None:
        """Hand out answers until the process ends."""
        with suppress(OSError):
            while line := await self._reader.readline():
                answer = Answer.model_validate_json(line)
                waiting = self._waiting.pop(answer.number, None)
                if waiting and not waiting.done():
                    waiting.set_result(answer)

    def close(self) -> None:
        """Nobody is answered any more."""
        self._writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError("the process ended"))


async def meet(folder: Folder) -> Link | None:
    """The process that answers in this folder; None without one."""
    try:
        connection = await asyncio.open_unix_connection(folder.socket, limit=LINE_BYTES)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    link = Link(*connection)
    try:
        await link.hear_greeting()
    except BaseException:
        link.close()
        raise
    return link
