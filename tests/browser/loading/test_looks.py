"""The loading page in both themes, at desktop and phone width."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser.loading.waiting import FAILURE, LINES, go_on, open_launch, step
from browser.test_pages import is_well_made
from cluster.person import Person
from playwright.sync_api import Page, expect
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# How well the text of each element is read against what is behind it: WCAG 2.2, 1.4.3.
CONTRAST = """elements => elements.map((element) => {
    const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const behind = (at) => {
        const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
        return a ? [r, g, b] : at.parentElement ? behind(at.parentElement) : [255, 255, 255];
    };
    const back = behind(element);
    const [r, g, b, a = 1] = parse(getComputedStyle(element).color);
    const front = [r, g, b].map((value, index) => a * value + (1 - a) * back[index]);
    const luminance = (rgb) => {
        const linear = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const [x, y, z] = rgb.map((v) => linear(v / 255));
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const [light, dark] = [luminance(front), luminance(back)].sort((one, other) => other - one);
    return [element.textContent.trim(), (light + 0.05) / (dark + 0.05)];
})"""


def is_readable(page: Page, selector: str) -> None:
    """Everything that matches stands out from what is behind it."""
    found = page.eval_on_selector_all(selector, CONTRAST)
    assert found
    assert [(text, ratio) for text, ratio in found if ratio < 4.5] == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_looks(
    scheme: str,
    width: int,
    new_page: Callable[..., Page],
    shoot: Callable[[Page, str], None],
    alice: Person,
    service: RunningService,
    held: ServedRepository,
) -> None:
    launch = alice.launch(held.url)
    page = new_page(scheme=scheme, width=width)
    open_launch(page, service, launch)
    expect(step(page, "building")).to_have_class("now")
    expect(page.frame_locator("#preview iframe").get_by_text("high at 06:12")).to_be_visible()
    is_well_made(page)
    is_readable(page, "main li, main button:not([hidden]), #now")
    shoot(page, "building")

    page.get_by_text("Log of the build").click()
    expect(page.get_by_text("Collecting package-199").last).to_be_visible()
    is_well_made(page)
    is_readable(page, "#log span, #log-count")
    page.get_by_label("Show lines with").fill("package-1")
    expect(page.locator("#log-count")).to_have_text(f"111 of {LINES} lines")
    shoot(page, "log")
    page.get_by_label("Show lines with").press("Escape")
    page.locator("#log").evaluate("log => { log.scrollTop = 0 }")
    page.locator("#log").scroll_into_view_if_needed()
    shoot(page, "colours")
    page.locator("#preview").scroll_into_view_if_needed()
    # A frame that was out of sight is painted a moment after it comes into it.
    page.evaluate("new Promise((painted) => setTimeout(painted, 300))")
    shoot(page, "preview")

    page.get_by_text("Log of the build").click()
    service.builder.failure = FAILURE
    go_on(service)
    expect(page.get_by_role("alert")).to_contain_text("Check its name in requirements.txt.")
    is_well_made(page)
    is_readable(page, "#failure *:not([hidden]), li.failed span")
    page.evaluate("scrollTo(0, 0)")
    shoot(page, "failed")
