"""How iterations go on: a line below the slider, that is asked for when nobody is in a hurry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OPEN = """
(options) => {
  const { SliceView } = views('slices');
  const shape = options.shape ?? [40, 30, 50];
  const model = ([k, y, x]) =>
    k > 15 && k < 19 ? NaN : 100 * Math.exp(-k / 15) * (1 + (x - y) / 100);
  window.source = new Memory(shape, model, { growing: 0, ...options });
  window.view = new SliceView(source, { state: options.state ?? {} });
  document.getElementById('place').append(view.element);
}
"""
# In the page: a busy machine would have a hand of the test's rest between two keys.
HAND = """
async () => {
  for (let number = 0; number < 10; number++) {
    const key = new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true });
    document.querySelector(".hps").dispatchEvent(key);
    await new Promise((done) => setTimeout(done, 120));
  }
}
"""
LINES = """
() => {
  const { LineView } = views('line');
  window.source = new Memory([12, 300], ([k, i]) => k * Math.sin(i / 20), { growing: 0 });
  window.view = new LineView(source);
  document.getElementById('place').append(view.element);
}
"""
GROW = """
(by) => {
  source.shape = [source.shape[0] + by, ...source.shape.slice(1)];
  view.refresh();
}
"""


@pytest.fixture
def iterations(open_page: Callable[..., Page]) -> Callable[..., tuple[Page, Locator]]:
    """`iterations()`: a page, and the line."""

    def make(scheme: str = "light", **options: Any) -> tuple[Page, Locator]:
        page = open_page(scheme)
        page.evaluate(OPEN, options)
        return page, page.locator(".hps-course")

    return make


def asked(page: Page) -> list[list[int]]:
    found: list[list[int]] = page.evaluate("source.coursed ?? []")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_iteration_has_a_point(
    iterations: Callable[..., tuple[Page, Locator]],
    shoot: Callable[[Page, str], None],
    scheme: str,
) -> None:
    page, line = iterations(scheme, age=1510)
    expect(line).to_have_attribute("data-points", "40")
    expect(line.get_by_role("img")).to_have_attribute(
        "aria-label",
        "40 iterations, written 25 min ago. Means go from 110 to 8.17, values from 5.273 to 149, "
        "of a sample of each.",
    )
    expect(line).to_contain_text("range and mean, sampled (25 %)")
    shoot(page, f"course {scheme}")


def test_a_click_goes_there_and_a_drag_goes_on(
    iterations: Callable[..., tuple[Page, Locator]],
) -> None:
    page, line = iterations()
    expect(line).to_have_attribute("data-points", "40")
    box = line.get_by_role("img").bounding_box()
    assert box
    slider = page.get_by_role("slider", name="Index along")
    above = slider.bounding_box()
    assert above
    assert (box["x"], box["width"]) == pytest.approx((above["x"], above["width"]), abs=1)
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 8 + (box["width"] - 16) * 30 / 39, y)
    expect(line).to_contain_text("iteration 30: ")
    page.mouse.down()
    expect(page.locator(".hps")).to_have_attribute("data-index", "30")
    page.mouse.move(box["x"] + 8 + (box["width"] - 16) * 10 / 39, y, steps=5)
    expect(slider).to_have_value("10")
    page.mouse.up()


def test_nothing_is_asked_while_a_hand_moves(
    iterations: Callable[..., tuple[Page, Locator]],
) -> None:
    page, line = iterations()
    page.evaluate(HAND)
    assert asked(page) == []
    expect(line).to_have_attribute("data-points", "40")


def test_only_what_is_new_is_asked_for_when_it_grows(
    iterations: Callable[..., tuple[Page, Locator]],
) -> None:
    page, line = iterations()
    expect(line).to_have_attribute("data-points", "40")
    page.evaluate(GROW, 2)
    expect(line).to_have_attribute("data-points", "42")
    # The last one before may not have been whole when it was looked at.
    assert asked(page) == [list(range(40)), [39, 40, 41]]
    expect(line).to_contain_text("42 iterations, the last")
    expect(line).to_contain_text("s ago")


def test_a_long_axis_is_thinned_evenly_and_its_points_stay_while_it_grows(
    iterations: Callable[..., tuple[Page, Locator]],
) -> None:
    page, line = iterations(shape=[100_000, 3, 4])
    expect(line).to_have_attribute("data-points", "392")
    expect(line).to_contain_text("range and mean of every 256., sampled (25 %)")
    every = [index for each in asked(page) for index in each]
    assert every == [*range(0, 100_000, 256), 99_999]
    assert max(len(each) for each in asked(page)) <= 64
    page.evaluate(GROW, 300)
    expect(line).to_contain_text("100300 iterations")
    page.wait_for_function("source.coursed.at(-1).at(-1) === 100299")
    assert asked(page)[-1] == [100_096, 100_299]


def test_folded_away_it_asks_nothing_and_stays_so(
    iterations: Callable[..., tuple[Page, Locator]],
) -> None:
    page, line = iterations(state={"course": False})
    fold = page.get_by_role("button", name="Range and mean along iteration")
    expect(fold).to_have_attribute("aria-expanded", "false")
    page.wait_for_timeout(900)
    assert asked(page) == []
    fold.click()
    assert page.evaluate("view.state.course") is True
    expect(line).to_have_attribute("data-points", "40")
    fold.click()
    assert page.evaluate("view.state.course") is False
    expect(line.get_by_role("img")).to_be_hidden()


def test_it_goes_along_the_axis_that_grows_or_the_first_that_is_stepped_along(
    iterations: Callable[..., tuple[Page, Locator]],
) -> None:
    page, line = iterations(shape=[4, 6, 20, 20], growing=1)
    expect(line).to_have_attribute("data-points", "6")
    page.get_by_role("button", name="Slices across axis 2").click()
    expect(page.get_by_role("button", name="Range and mean along axis")).to_have_count(1)


def test_of_lines_it_is_there_too(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.evaluate(LINES)
    line = page.locator(".hps-course")
    expect(line).to_have_attribute("data-points", "12")
    box = line.get_by_role("img").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] - 8, box["y"] + 10)
    assert page.evaluate("view.state.at[0]") == 11


def test_a_film_of_lines_goes_on(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.evaluate(LINES)
    page.get_by_role("combobox", name="Slices a second").select_option("20")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("view.state.at[0] === 11")
