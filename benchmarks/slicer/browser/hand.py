"""A hand on a slider, in a browser."""

from __future__ import annotations

import time

from playwright.sync_api import Locator, Page

RATE = 60
SWEEP_SECONDS = 4.0
"""From one end to the other."""
EDGE = 10
"""Pixels at both ends of a slider in which its handle does not move."""


def slide(page: Page, slider: Locator, seconds: float) -> None:
    """To and fro from one end, as often as a screen shows something new, and let go."""
    box = slider.bounding_box()
    assert box is not None
    width, y = box["width"] - 2 * EDGE, box["y"] + box["height"] / 2

    def to(share: float) -> None:
        page.mouse.move(box["x"] + EDGE + share * width, y)

    to(0)
    page.mouse.down()
    begun, turn = time.perf_counter(), 0
    while (now := time.perf_counter() - begun) < seconds:
        way = now / SWEEP_SECONDS % 2
        to(way if way < 1 else 2 - way)
        turn += 1
        time.sleep(max(0.0, begun + turn / RATE - time.perf_counter()))
    page.mouse.up()
