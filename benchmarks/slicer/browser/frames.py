"""What Chromium's own trace says of a page: when it painted, and what held it up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from playwright.sync_api import Browser, Page

from ..figures import percentile

CATEGORIES = (
    "devtools.timeline",
    "disabled-by-default-devtools.timeline",
    "disabled-by-default-devtools.timeline.frame",
    "benchmark",
    "cc",
)
LONG_MS = 50.0
"""What the web's own measure calls a long task."""

Event = dict[str, Any]


@dataclass(frozen=True)
class Frames:
    """Of a page, while something was done in it."""

    ms: Sequence[float] = field(repr=False)
    """From each painted frame to the next."""
    dropped: int
    """Frames that were due and not painted."""
    tasks: Sequence[float] = field(repr=False)
    """What each task of the page's own thread took, in milliseconds."""
    busy: Sequence[float] = field(repr=False)
    """What of it was a processor's time, which other processes do not add to."""

    @property
    def p50(self) -> float:
        """The median."""
        return percentile(self.ms, 0.5)

    @property
    def p95(self) -> float:
        """One of twenty took longer."""
        return percentile(self.ms, 0.95)

    @property
    def dropped_pct(self) -> float:
        """Of all that were due."""
        return 100 * self.dropped / (self.dropped + len(self.ms) + 1)

    @property
    def long_tasks(self) -> int:
        """How often the page could do nothing else for long."""
        return sum(taken > LONG_MS for taken in self.tasks)

    def figures(self, suffix: str = "") -> dict[str, Any]:
        """For the table."""
        return {
            f"frame_ms_p50{suffix}": round(self.p50, 1),
            f"frame_ms_p95{suffix}": round(self.p95, 1),
            f"dropped_pct{suffix}": round(self.dropped_pct, 2),
            f"long_tasks{suffix}": self.long_tasks,
        }


def traced(browser: Browser, page: Page, act: Callable[[], None]) -> Frames:
    """What happens in a page while something is done in it."""
    browser.start_tracing(page=page, categories=list(CATEGORIES))
    try:
        act()
    finally:
        trace = browser.stop_tracing()
    return told(json.loads(trace)["traceEvents"])


def told(events: Sequence[Event]) -> Frames:
    """The page is the process that painted most: others of the browser paint next to nothing."""
    pages = {
        event["pid"]: event["tid"]
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    painted = [one for one in events if one["name"] == "DrawFrame" and one["pid"] in pages]
    assert painted, "nothing was painted"
    ((pid, _),) = Counter(one["pid"] for one in painted).most_common(1)
    at = sorted(one["ts"] for one in painted if one["pid"] == pid)
    tasks = [
        one
        for one in events
        if (one["pid"], one["tid"]) == (pid, pages[pid])
        and one["name"] == "RunTask"
        and one["ph"] == "X"
    ]
    return Frames(
        ms=[(later - earlier) / 1000 for earlier, later in pairwise(at)],
        dropped=sum(one["name"] == "DroppedFrame" and one["pid"] == pid for one in events),
        tasks=[one.get("dur", 0) / 1000 for one in tasks],
        busy=[one.get("tdur", 0) / 1000 for one in tasks],
    )
