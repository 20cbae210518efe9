"""A film of slices: its rate, its order, what ends it, and what it does where answers are slow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise

import pytest
from playwright.sync_api import Locator, Page, expect
from slicer_hands import Seen, seen, shows, slider, watch

from benchmarks.slicer.browser.line import Came, came, forget, throttle

pytestmark = pytest.mark.browser

Velocity = Callable[..., tuple[Page, Locator]]
LAST = 95
# Five times a second, something that is asked for and drawn: slower where the machine is.
COUNT = """
() => {
    window.counts = { begun: performance.now(), number: 0 };
    const next = async () => {
        await new Promise(done => setTimeout(done, 200));
        await (await fetch('/hpcbinder/slicer/limits')).json();
        await new Promise(requestAnimationFrame);
        counts.number++;
        next();
    };
    next();
}"""


def play(panel: Locator) -> Locator:
    return panel.get_by_role("button", name="Play", exact=True)


def at_rate(panel: Locator, rate: int) -> None:
    panel.get_by_role("combobox", name="Slices a second").select_option(str(rate))


def each_once(slices: Sequence[Seen]) -> Iterator[Seen]:
    """A slice comes coarsely first, and then in detail."""
    for _, same in groupby(slices, lambda one: one.index):
        yield next(same)


def follows(index: int, earlier: int) -> bool:
    """A slice may have come too late to be shown; none is shown after a later one."""
    return 1 <= (index - earlier) % (LAST + 1) <= 3


def at_once(planes: Sequence[Came]) -> int:
    """The most that were under way at any time."""
    return max(sum(one.begun <= other.begun < one.ended for one in planes) for other in planes)


def test_a_film_keeps_its_rate_and_begins_again_after_the_last(velocity: Velocity) -> None:
    page, panel = velocity()
    slider(panel).fill("88")
    shows(panel, 88)
    at_rate(panel, 5)
    watch(panel)
    page.evaluate(COUNT)
    play(panel).click()
    expect(play(panel)).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("new Set(seen.map(({ index }) => index)).size >= 11")
    play(panel).click()
    expect(play(panel)).to_have_attribute("aria-pressed", "false")
    film = list(each_once(seen(page)))
    assert film[0].index in (88, 89)
    assert film[-1].index < 10
    pairs = list(pairwise(film))
    assert all(follows(later.index, earlier.index) for earlier, later in pairs)
    steps = sum((later.index - earlier.index) % (LAST + 1) for earlier, later in pairs)
    # In the page's own time: five a second, or as many as one that waits for each.
    pace = (film[-1].at - film[0].at) / steps
    assert 120 < pace < 1.5 * page.evaluate("(performance.now() - counts.begun) / counts.number")


def test_a_film_ends_when_a_hand_goes_elsewhere(velocity: Velocity) -> None:
    page, panel = velocity()
    number = panel.get_by_role("spinbutton", name="as a number")

    def wheel() -> None:
        panel.locator("canvas.hps-image").hover()
        page.mouse.wheel(0, 120)

    def type_number() -> None:
        number.fill("70")
        number.press("Enter")

    for hand in (lambda: slider(panel).press("Shift+ArrowRight"), type_number, wheel):
        slider(panel).fill("10")
        shows(panel, 10)
        play(panel).click()
        expect(slider(panel)).not_to_have_value("10")
        hand()
        expect(play(panel)).to_have_attribute("aria-pressed", "false")
        where = slider(panel).input_value()
        page.wait_for_timeout(400)
        shows(panel, int(where))
    play(panel).click()
    panel.get_by_role("button", name="Slices across").nth(1).click()
    expect(play(panel)).not_to_have_attribute("aria-pressed", "true")
    where = slider(panel).input_value()
    page.wait_for_timeout(400)
    shows(panel, int(where))


def test_a_film_waits_for_slices_that_come_late(velocity: Velocity) -> None:
    page, panel = velocity()
    asked: list[str] = []
    page.on("request", lambda one: "/plane?" in one.url and asked.append(one.url))
    throttle(page, 0, latency_ms=250)
    forget(page)
    watch(panel)
    at_rate(panel, 60)
    play(panel).click()
    page.wait_for_timeout(3000)
    play(panel).click()
    until_now = len(asked)
    film = list(each_once(seen(page)))
    # Where nothing was waited for, each would give way to the next, and none would be seen.
    assert len(film) >= 5
    pairs = pairwise(film)
    assert all(follows(later.index, earlier.index) for earlier, later in pairs)
    assert at_once(came(page)) <= 2
    # Three seconds at sixty a second; asked for was what could come.
    assert until_now < 40
    shows(panel, int(slider(panel).input_value()))
    assert len(asked) <= until_now + 2
