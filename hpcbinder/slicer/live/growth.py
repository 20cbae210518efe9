"""Follows data sets: what each of them is now, told whenever that is something else.

It is looked at four times a second, which finds a flush on the same machine well within a second.
A network file system may keep what it knows of a file for longer: the delay is measured and told.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union

from ..errors import Refusal
from ..work import Work

LOOK_SECONDS = 0.25
AGAIN_SECONDS = 1.0
"""After a failure: whoever writes the file may be in the middle of it."""


@dataclass(frozen=True)
class Followed:
    """What a page follows: the names are the request's own."""

    file: str
    path: str


@dataclass(frozen=True)
class Seen:
    """A data set at one moment."""

    stamp: tuple[int, int, int, int]
    """Device, inode, size, and when it was changed in nanoseconds."""
    shape: tuple[int, ...] | None
    """None for a group."""
    live: bool
    verified: bool


Look = Callable[[Followed, Work], Seen]
Stamp = Callable[[Followed], tuple[int, int, int, int]]
State = Union[Seen, tuple[str, str, str]]
Say = Callable[[str, dict[str, Any]], None]
"""An event's name, and what it holds."""


class Growth:
    """`look` opens what `stamp` says has changed; it is far dearer than `stamp`."""

    def __init__(self, look: Look, stamp: Stamp, say: Say) -> None:
        self._look = look
        self._stamp = stamp
        self._say = say
        self._known: dict[Followed, State] = {}
        self._again: dict[Followed, float] = {}

    def follow(self, followed: list[Followed], work: Work) -> None:
        """Until `work` is cancelled."""
        while True:
            for each in followed:
                self.look(each, work)
            work.pause(LOOK_SECONDS)

    def look(self, followed: Followed, work: Work) -> None:
        """One look at one data set."""
        known = self._known.get(followed)
        try:
            if isinstance(known, Seen):
                # What was written a moment ago may be verified by now, without any change.
                settled = known.verified and not known.live
                if settled and known.stamp == self._stamp(followed):
                    return
            elif time.monotonic() < self._again.get(followed, 0.0):
                return
            now: State = self._look(followed, work)
        except Refusal as refusal:
            self._again[followed] = time.monotonic() + AGAIN_SECONDS
            now = (refusal.sentence, refusal.advice, refusal.kind)
        if now != known:
            self._known[followed] = now
            self._tell(followed, known, now)

    def _tell(self, followed: Followed, before: State | None, now: State) -> None:
        about: dict[str, Any] = {"file": followed.file, "path": followed.path}
        if not isinstance(now, Seen):
            message, advice, reason = now
            told = {"message": message, "advice": advice, "reason": reason, "again": AGAIN_SECONDS}
            self._say("unreadable", {**about, **told})
            return
        # What was there when the page began to follow was not waited for.
        changed = isinstance(before, Seen) and before.stamp != now.stamp
        self._say(
            "growth",
            {
                **about,
                "stamp": [str(part) for part in now.stamp],
                "shape": now.shape,
                "live": now.live,
                "verified": now.verified,
                "delay": delay(now.stamp) if changed else None,
            },
        )


def delay(stamp: tuple[int, int, int, int]) -> float:
    """Seconds from the change to its being seen, by this machine's clock and the file system's."""
    return round(max(0.0, time.time() - stamp[3] / 1e9), 3)


def stamp_of(path: str) -> tuple[int, int, int, int]:
    """What the file system knows of a file."""
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
