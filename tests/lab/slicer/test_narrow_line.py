"""A line to the server that is as slow as one from home."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import pytest
from playwright.sync_api import Locator, Page, expect
from slicer_hands import seen, shows, slider, watch

from benchmarks.slicer.browser.hand import slide
from benchmarks.slicer.browser.line import Came, came, forget, throttle

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Slid:
    """What came while a hand moved, and which slices were seen."""

    came: list[Came]
    shown: set[int]

    @property
    def nbytes(self) -> float:
        return median(one.nbytes for one in self.came)

    @property
    def rate(self) -> float:
        """Bytes a second."""
        return median(1000 * one.nbytes / max(1, one.ended - one.begun) for one in self.came)

    def __str__(self) -> str:
        return f"{self.nbytes:.0f} bytes at {self.rate:.0f} a second, {len(self.shown)} slices"


def test_pictures_are_as_fine_as_the_line_lets_them_be(
    field: tuple[Page, Locator],
) -> None:
    page, panel = field
    note = panel.locator(".hps-note")

    def slid() -> Slid:
        # The line may have to be known first.
        slide(page, slider(panel), 2)
        shows(panel, int(slider(panel).input_value()))
        forget(page)
        watch(panel)
        slide(page, slider(panel), 2)
        return Slid([one for one in came(page) if one.moving], {one.index for one in seen(page)})

    def known(enough: Callable[[Slid], bool]) -> Slid:
        """It takes a number of answers, and on a busy machine many a slide to get them."""
        for _ in range(10):
            found = slid()
            if found.came and enough(found):
                return found
        raise AssertionError("The line is never known.")

    fast = known(lambda _: True)
    throttle(page, 10, latency_ms=20)
    # 10 Mbit/s are 20.8 kB for each of sixty pictures a second.
    slow = known(lambda one: one.nbytes < 30_000)
    print(f"{fast}, at 10 Mbit/s {slow}")
    # Finer where more comes: over a fast line that is as much as the machine itself lets through.
    assert fast.nbytes > min(1.5 * slow.nbytes, fast.rate / 60 / 2)
    assert len(slow.shown) >= len(fast.shown) // 4
    slider(panel).press("ArrowRight")
    # All of it comes, once the hand rests.
    shows(panel, int(slider(panel).input_value()))
    expect(note).not_to_contain_text("coarse")
