"""What a build that waits is waiting for, and how long it will take."""

from __future__ import annotations

from dataclasses import dataclass

from .jobs.dispatcher import Dispatcher
from .queue import BuildQueue
from .records import Build
from .sightings import Sightings

WORKER_SECONDS = 60.0
"""A worker that lives is heard of more often than this."""


@dataclass(frozen=True)
class Outlook:
    """What can be said to those who wait."""

    ahead: int | None
    """How many builds come before this one; None if it does not wait."""
    held_up: str
    """A sentence on why nothing begins, or nothing."""
    expected_seconds: float | None
    """How long the last builds of this repository took."""


async def outlook(
    build: Build, queue: BuildQueue, workers: Sightings, builders: Dispatcher
) -> Outlook:
    """As of now."""
    usual = await queue.usual_seconds(build.repo_url)
    if build.state != "queued":
        return Outlook(None, "", usual)
    ahead = await queue.place(build.id)
    return Outlook(ahead, await held_up(queue, workers, builders), usual)


async def held_up(queue: BuildQueue, workers: Sightings, builders: Dispatcher) -> str:
    """Why no build begins, or nothing."""
    paused = await queue.paused()
    if paused:
        return f"Builds are paused: {paused.message}" if paused.message else "Builds are paused."
    if builders.wanted and (why := builders.outlook()):
        return why
    seen = workers.within(WORKER_SECONDS)
    if not seen and not builders.wanted:
        return "No builder is running at the moment."
    short = [sentence for name in seen if (sentence := workers.short(name))]
    return short[0] if short and len(short) == len(seen) else ""
