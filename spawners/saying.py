"""What a page is told while a server starts: a sentence whenever it changes, and one that stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any


class Sayings:
    """The sentence of the moment. Whoever follows hears of each change, and costs nothing else."""

    def __init__(self) -> None:
        self._words = self._notice = ""
        self._news = asyncio.Event()

    @property
    def words(self) -> str:
        """What is going on."""
        return self._words

    @words.setter
    def words(self, words: str) -> None:
        if words != self._words:
            self._words = words
            self._tell()

    @property
    def notice(self) -> str:
        """What the server's owner should not miss."""
        return self._notice

    @notice.setter
    def notice(self, notice: str) -> None:
        self._notice = notice
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """As JupyterHub's progress stream has them, for as long as anybody listens."""
        said = warned = ""
        while True:
            news = self._news
            if self._notice != warned:
                warned = self._notice
                yield {"progress": 50, "message": warned, "notice": True}
            if self._words and self._words != said:
                said = self._words
                yield {"progress": 50, "message": said}
            if self._news is news:
                await news.wait()
