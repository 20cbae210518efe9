"""A request that was sent to the reading process, and what comes back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from ..errors import Refusal

UNREAD = 64
"""Of what is told as it happens, the newest counts; whoever does not read misses the oldest."""


@dataclass(frozen=True)
class Request:
    """What an operation is asked for."""

    do: str
    arguments: Mapping[str, str]
    quick: bool = False
    """Takes no more than a picture does: some threads are kept for these."""
    compress: bool = False
    """The client reads gzip."""
    view: str | None = None
    turn: int = 0
    """A newer turn of the same view makes an older one superfluous."""
    follow: bool = False
    """Answers come as things happen until it is closed, and not as they are asked for."""

    def header(self, number: int) -> dict[str, Any]:
        """The frame's."""
        told: dict[str, Any] = {"id": number, "do": self.do, "arguments": dict(self.arguments)}
        told.update({name: True for name in ("quick", "compress") if getattr(self, name)})
        if self.view is not None:
            told.update(view=self.view, turn=self.turn)
        return told


@dataclass(frozen=True)
class Reply:
    """An answer, or a part of one."""

    status: int
    type: str
    headers: Mapping[str, str]
    body: bytearray = field(repr=False)
    more: bool


class Asked:
    """`async with`: who leaves before the last part has it dropped in the reading process, too."""

    def __init__(
        self,
        number: int,
        request: Request,
        send: Callable[[dict[str, Any]], None],
        done: Callable[[Asked], None],
    ) -> None:
        self.number = number
        self.request = request
        self.held = 0
        self.finished = False
        self._send = send
        self._done = done
        self._came: deque[Reply | Refusal] = deque(maxlen=UNREAD)
        self._something = asyncio.Event()

    async def reply(self) -> Reply:
        """The answer, or the next of those that come as things happen."""
        while not self._came:
            self._something.clear()
            await self._something.wait()
        reply = self._came.popleft()
        if isinstance(reply, Refusal):
            raise reply
        if self.request.follow:
            self.held -= len(reply.body)
        return reply

    async def another(self) -> Reply:
        """The next part of an answer with `more`; what came before is no longer held."""
        self.held = 0
        self._send({"id": self.number, "next": True})
        return await self.reply()

    def came(self, reply: Reply | Refusal) -> None:
        """From the channel."""
        if isinstance(reply, Reply):
            if len(self._came) < UNREAD:
                self.held += len(reply.body)
            self.finished = not reply.more
        else:
            self.finished = True
        self._came.append(reply)
        self._something.set()

    async def __aenter__(self) -> Asked:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.finished:
            self._send({"id": self.number, "cancel": True})
        self.held = 0
        self._done(self)
