"""One answer for all who ask at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")

GATHER_SECONDS = 0.03


class Together(Generic[Ask, Answer]):
    """Who asks while others are being answered is answered with all who do, by the next."""

    def __init__(
        self, answer: Callable[[Sequence[Ask]], Awaitable[Sequence[Answer | Exception]]], name: str
    ):
        self._answer = answer
        self._name = name
        self._waiting: list[tuple[Ask, asyncio.Future[Answer]]] = []
        self._task: asyncio.Task[None] | None = None

    async def at(self, ask: Ask) -> Answer:
        """What the answer to this is, or raises."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=self._name)
        return await future

    async def close(self) -> None:
        """Stop."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            # Whoever asks in the same moment is still to come.
            await asyncio.sleep(GATHER_SECONDS)
            asked, self._waiting = self._waiting, []
            try:
                answers = await self._answer([ask for ask, _ in asked])
            except Exception as error:
                answers = [error] * len(asked)
            for (_, future), answer in zip(asked, answers, strict=True):
                if future.done():
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
