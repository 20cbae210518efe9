"""A line to the server that is as slow as one from home, and what came over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page

MEGABIT = 1e6 / 8
"""Bytes."""

CAME = """
() => performance.getEntriesByType('resource')
    .filter(({ name, encodedBodySize }) => name.includes('/plane?') && encodedBodySize)
    .map(({ name, encodedBodySize, startTime, responseEnd }) =>
        ({ name, nbytes: encodedBodySize, begun: startTime, ended: responseEnd }))
"""
FORGET = (
    "() => { performance.clearResourceTimings(); performance.setResourceTimingBufferSize(1e5); }"
)


@dataclass(frozen=True)
class Came:
    """A plane that a page was sent; times are in milliseconds of the page's own clock."""

    asked: dict[str, str]
    nbytes: int
    begun: float
    ended: float

    @property
    def moving(self) -> bool:
        """Asked for while a hand moved: soon is better than fine."""
        return "limit" in self.asked


def throttle(page: Page, megabits: float, latency_ms: float) -> None:
    """For all that the page loads; 0 megabits: as fast as it comes."""
    rate = megabits * MEGABIT or -1
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    conditions: dict[str, Any] = {"offline": False, "latency": latency_ms}
    conditions |= {"downloadThroughput": rate, "uploadThroughput": rate}
    session.send("Network.emulateNetworkConditions", conditions)


def forget(page: Page) -> None:
    """`came` tells what comes from now on."""
    page.evaluate(FORGET)


def came(page: Page) -> list[Came]:
    """All planes since, in the order in which they were asked for."""
    found = []
    for one in page.evaluate(CAME):
        asked = {name: values[0] for name, values in parse_qs(urlsplit(one["name"]).query).items()}
        found.append(Came(asked, one["nbytes"], one["begun"], one["ended"]))
    return found
