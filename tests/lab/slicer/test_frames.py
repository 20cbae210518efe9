"""Whether the page keeps up with a hand, as Chromium's own trace of it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page
from slicer_hands import seen, slider, watch

from benchmarks.slicer.browser import pages
from benchmarks.slicer.browser.frames import Frames, traced
from benchmarks.slicer.browser.hand import slide
from benchmarks.slicer.browser.line import came, forget

pytestmark = pytest.mark.browser

SLICES = 64
SECONDS = 4
FRAME_MS = 1000 / 60
NewPage = Callable[..., Page]


def test_a_page_paints_as_often_as_a_bare_one_while_a_hand_slides(
    field: tuple[Page, Locator], chromium: Browser, new_page: NewPage
) -> None:
    page, panel = field

    def measured(page: Page, handle: Locator) -> Frames:
        page.bring_to_front()
        return traced(chromium, page, lambda: slide(page, handle, SECONDS))

    # What is read and compiled once is not what is asked about.
    slide(page, slider(panel), SECONDS / 2)
    bare = pages.bare(new_page("light", 1400, 900))
    plain = measured(bare, bare.get_by_role("slider"))
    forget(page)
    watch(panel)
    ours = measured(page, slider(panel))
    print(ours.figures() | plain.figures("_bare"), f"{max(ours.busy):.0f} ms of a processor")
    # Both had the same machine; the bare page had no server beside it, nor anything to decode.
    assert ours.p50 < 12 * plain.p50
    # The page's own work, in a processor's time, which is not more where others work, too: any task
    # of it leaves the screen but two frames behind, and so do all that lead to a frame.
    assert max(ours.busy) < 3 * FRAME_MS
    assert sum(ours.busy) / (len(ours.ms) + 1) < 2 * FRAME_MS
    asked = {int(one.asked["at"].split(",")[0]) for one in came(page)}
    shown = [one.index for one in seen(page)]
    # What was on the screen before the hand came is the first.
    assert set(shown[1:]) <= asked
    assert len(set(shown)) > SLICES / 8
    sweep = shown[: shown.index(max(shown)) + 1]
    assert sweep[1:] == sorted(sweep[1:])
