"""What hands do with the slicer's panel, and what eyes see of it."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

WATCH = """
view => {
    window.seen = [];
    const look = () => seen.push({ at: performance.now(), index: Number(view.dataset.index) });
    new MutationObserver(look).observe(view, { attributeFilter: ['data-index'] });
}"""


@dataclass(frozen=True)
class Seen:
    """A slice that came on the screen, by the page's own clock in milliseconds."""

    at: float
    index: int


def double_click(page: Page, name: str) -> Locator:
    """The panel that opens."""
    page.locator(".jp-DirListing-item", has_text=name).dblclick()
    panel = page.locator(".hps-panel", has=page.get_by_text(name)).last
    panel.wait_for()
    return panel


def choose(panel: Locator, *names: str) -> None:
    """Go down the tree."""
    for name in names:
        row = panel.get_by_role("treeitem").filter(has_text=name).first
        row.wait_for()
        if name == names[-1]:
            row.click()
        elif row.get_attribute("aria-expanded") != "true":
            row.locator(".hps-tree-twist").click()


def shows(panel: Locator, index: int) -> None:
    """Exactly this slice, and nothing better of it is to come."""
    view = panel.locator(".hps[data-index]")
    expect(view).to_have_attribute("data-index", str(index))
    expect(view).to_have_attribute("data-exact", "true")


def rests(page: Page, panel: Locator) -> bytes:
    """What is drawn at last: nothing is to come, and what did come has been drawn."""
    before = b""
    for _ in range(60):
        page.wait_for_timeout(500)
        now = b"".join(pixels(panel, number) for number in range(pictures(panel).count()))
        if now == before and page.locator("[aria-busy=true]").count() == 0:
            return now
        before = now
    raise AssertionError("It never rests.")


def pictures(panel: Locator) -> Locator:
    return panel.locator("canvas.hps-image:visible")


def slider(panel: Locator) -> Locator:
    return panel.get_by_role("slider", name="Index along")


def pixels(panel: Locator, number: int = 0) -> bytes:
    """What is drawn, as it is on the screen."""
    return pictures(panel).nth(number).screenshot()


def watch(panel: Locator) -> None:
    """From now on, `seen` tells which slices came on the screen."""
    panel.locator(".hps[data-index]").evaluate(WATCH)


def seen(page: Page) -> list[Seen]:
    return [Seen(**one) for one in page.evaluate("seen")]
