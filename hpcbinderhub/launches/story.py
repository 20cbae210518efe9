"""A launch and its build as one stream of events, in order.

Launches and builds keep numbered events of their own: a build has many launches, and its log is
not for one owner alone. Whoever follows a launch here gets both, each event once: the build's
between the launch's event that names the build and the one that says what became of it.

A position is how far somebody has read in both, so it is all that a client must give back to go on.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Any

from ..builds.records import stream as build_stream
from ..events import BUILD_ENDS, LAUNCH_ENDS, Event, EventLog
from .records import Launch

_POSITION = re.compile(r"(launch|build):([0-9a-z]{8,32}):(\d{1,9})(?::(\d{1,9}))?", re.ASCII)


@dataclass(frozen=True)
class Position:
    """The last events that were read: of a launch and its build, or of a build alone."""

    kind: str
    id: str
    number: int = 0
    of_build: int = 0

    def __str__(self) -> str:
        text = f"{self.kind}:{self.id}:{self.number}"
        return f"{text}:{self.of_build}" if self.kind == "launch" else text

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """What `str` made, or None."""
        match = _POSITION.fullmatch(text)
        return cls(match[1], match[2], int(match[3]), int(match[4] or 0)) if match else None


@dataclass(frozen=True)
class Told:
    """One event of the story, what is known by then, and where to go on after it."""

    event: Event
    of_build: bool
    position: Position
    facts: dict[str, Any]
    """What the launch's events have said so far: `commit`, `build`, `artefact`, `url`."""


async def tell(events: EventLog, launch: Launch, position: Position) -> AsyncGenerator[Told]:
    """The story after a position, to the end of the launch."""
    read = [e for e in await events.since(launch.stream, 0) if e.number <= position.number]
    position = replace(position, number=read[-1].number if read else 0)
    facts: dict[str, Any] = {}
    for event in read:
        facts |= event.data
    while not any(event.phase in LAUNCH_ENDS for event in read):
        build = facts.get("build", "")
        streams = (launch.stream, build_stream(build)) if build else (launch.stream,)
        with events.bell(*streams) as bell:
            while facts.get("build", "") == build:
                bell.clear()
                # The launch is read first and told last: what a build ended with was written
                # before the launch's word on it, so it is there when that word is.
                news = await events.news(launch.stream, position.number)
                for event in await _of_build(events, build, position, up_to_now=bool(news)):
                    position = replace(position, of_build=event.number)
                    if event.phase not in BUILD_ENDS:
                        yield Told(event, True, position, facts)
                for event in news:
                    facts = facts | event.data
                    if facts.get("build", "") != build:
                        position = replace(position, of_build=0)
                    position = replace(position, number=event.number)
                    yield Told(event, False, position, facts)
                    if event.phase in LAUNCH_ENDS:
                        return
                    if facts.get("build", "") != build:
                        break
                else:
                    await bell.wait()


async def _of_build(
    events: EventLog, build: str, position: Position, *, up_to_now: bool
) -> list[Event]:
    if not build:
        return []
    # News are as old as the last bell heard, so a launch's may be younger than its build's.
    read = events.since if up_to_now else events.news
    return await read(build_stream(build), position.of_build)
