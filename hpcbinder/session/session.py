"""The session of one server: what is left of it, what is asked of the page, and its clean end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .activity import Activity
from .clock import Countdown
from .hub import Hub, Unanswered
from .idle import IdleRule
from .terms import Terms

ASK_SECONDS = 60.0
TELL_SECONDS = 300.0
"""How long the hub is told how a notebook ended that does not hear it."""


class Session:
    """What is left of a server's time. `tick` has to be called every few seconds."""

    def __init__(
        self,
        terms: Terms,
        hub: Hub,
        activity: Activity,
        stop: Callable[[], None],
        say: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._terms = terms
        self._hub = hub
        self._activity = activity
        self._stop = stop
        self._say = say
        self._clock = clock
        self._countdown = Countdown(terms.ends, terms.warn_seconds)
        self._rule = IdleRule(terms.idle_minutes) if terms.idle_minutes else None
        self._asked = clock()
        self._ending = ""
        self._run: dict[str, Any] = {}
        self._run_ended = 0.0

    async def tick(self) -> None:
        """Everything that time alone brings about."""
        if self._terms.url and self._clock() - self._asked >= ASK_SECONDS:
            self._asked = self._clock()
            await self._ask()
        self._countdown.tick(self._clock())
        if self._run:
            await self._end_with_run()
        elif self._rule and not self._ending:
            unused = self._activity.unused(self._clock())
            if self._rule.stops_in(unused) <= 0:
                await self._end_unused(self._rule)

    def state(self) -> dict[str, Any]:
        """What the page shows."""
        now = self._clock()
        unused = self._activity.unused(now)
        warns = self._rule is not None and self._rule.warns(unused)
        return {
            "left": self._countdown.left(now),
            "warn_seconds": self._terms.warn_seconds,
            "saves": self._countdown.saves,
            "unused_stops_in": self._rule.stops_in(unused) if self._rule and warns else None,
            "extend_minutes": self._terms.extend_minutes,
            "ending": self._ending,
            "page": self._terms.page,
        }

    def used(self) -> None:
        """Somebody or something says that the server is in use."""
        self._activity.note(self._clock())

    def run_is_over(self, exit_code: int, words: str) -> None:
        """The notebook has ended that the server was started for, and so does the server."""
        self._run = {"exit_code": exit_code, "words": words}
        self._run_ended = self._clock()

    def save(self) -> None:
        """Slurm says that the end is near."""
        self._countdown.save(self._clock())

    async def extend(self) -> None:
        """Ask the hub for more time."""
        left = await self._hub.extend(self._terms.extend_minutes)
        self._countdown.correct(left, self._clock())

    async def _ask(self) -> None:
        try:
            self._countdown.correct(await self._hub.left(), self._clock())
        except Unanswered:
            # What was known goes on to be true; the hub may be down for a while.
            return

    async def _end_unused(self, rule: IdleRule) -> None:
        self._ending = "idle"
        self._say(f"Nothing has run in this server for {rule.minutes:g} minutes: it stops.")
        if self._terms.url:
            try:
                await self._hub.ending("idle")
            except Unanswered as words:
                self._say(f"The hub could not be told ({words}).")
        self._stop()

    async def _end_with_run(self) -> None:
        """The hub has to hear how it ended. It may be down, or may not have seen yet that the
        server answers."""
        if self._ending:
            return
        if self._terms.url:
            try:
                await self._hub.ending("run", **self._run)
            except Unanswered as words:
                if self._clock() - self._run_ended < TELL_SECONDS:
                    return
                self._say(f"The hub could not be told ({words}).")
        self._ending = "run"
        self._stop()
