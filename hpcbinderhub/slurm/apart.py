"""Questions that users' own accounts answer, each with an outcome of its own.

What answers as a user is her login shell, whose start files may refuse or never end. So each has a
time limit; who exceeds it is left alone for a while, longer each time; and nobody else waits for
her or shares her failure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import TypeVar

from ..errors import Unavailable, UserError

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

SECONDS = 10.0
"""For a connection, a shell and the agent."""

AT_ONCE = 8
REST_SECONDS = 30.0
LONGEST_REST_SECONDS = 600.0


class Apart:
    """Asks many, and remembers who did not answer in time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._seconds = SECONDS
        self._room = asyncio.Semaphore(AT_ONCE)
        self._clock = clock
        self._rests: dict[Hashable, tuple[float, float]] = {}
        """Until when somebody is left alone, and how long that is."""

    async def ask(
        self, questions: Mapping[Key, Callable[[], Awaitable[Answer]]]
    ) -> dict[Key, Answer]:
        """The answers of those who gave one; the first problem, if nobody who was asked did."""
        asked = {key: one for key, one in questions.items() if not self._is_resting(key)}
        outcomes = dict(
            zip(
                asked,
                await asyncio.gather(
                    *(self._in_time(one) for one in asked.values()), return_exceptions=True
                ),
                strict=True,
            )
        )
        answers: dict[Key, Answer] = {}
        problems: dict[Key, Exception] = {}
        for key, outcome in outcomes.items():
            if isinstance(outcome, (Unavailable, UserError, TimeoutError)):
                problems[key] = outcome
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                answers[key] = outcome
        self._remember(answers, problems)
        if problems and not answers:
            problem = next(iter(problems.values()))
            if isinstance(problem, TimeoutError):
                raise Unavailable(f"There was no answer in {self._seconds:g} s.") from problem
            raise problem
        return answers

    async def _in_time(self, question: Callable[[], Awaitable[Answer]]) -> Answer:
        async with self._room, asyncio.timeout(self._seconds):
            return await question()

    def _is_resting(self, key: Hashable) -> bool:
        return self._clock() < self._rests.get(key, (0.0, 0.0))[0]

    def _remember(self, answers: Mapping[Key, object], problems: Mapping[Key, Exception]) -> None:
        for key in answers:
            self._rests.pop(key, None)
        if not answers:
            # That may be everybody's trouble, and then nobody is to be asked later for it.
            return
        for key, problem in problems.items():
            if isinstance(problem, TimeoutError):
                last = self._rests.get(key, (0.0, REST_SECONDS / 2))[1]
                rest = min(2 * last, LONGEST_REST_SECONDS)
                self._rests[key] = (self._clock() + rest, rest)
