"""Slices through an array in memory, as a hand on mouse and keyboard goes through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OPEN = """
(options) => {
  const { SliceView } = views('slices');
  const wave = ([z, y, x]) => Math.hypot(z - 12, y - 20, x - 24) < 4 ? NaN
    : 100 * Math.sin(z / 5) + 3 * y + x;
  const axes = ['z', 'y', 'x'].map((name, i) =>
    ({ name, unit: 'mm', values: { first: 0, step: [0.5, 2, 2][i] } }));
  const shape = options.shape ?? [30, 40, 60];
  window.source = new Memory(shape, wave, { axes, label: 'density (kg/m³)', ...options });
  window.view = new SliceView(source, { state: options.state ?? {} });
  document.getElementById('place').append(view.element);
}
"""


@pytest.fixture
def open_slices(open_page: Callable[..., Page]) -> Callable[..., Page]:
    def make(scheme: str = "light", **options: Any) -> Page:
        page = open_page(scheme)
        exact = options.pop("exact", True)
        page.evaluate(OPEN, options)
        settled(page, exact=exact)
        return page

    return make


def settled(page: Page, index: int | None = None, exact: bool = True) -> None:
    """Nothing better than what is shown is to come."""
    shown = page.locator(".hps")
    if index is not None:
        expect(shown).to_have_attribute("data-index", str(index))
    expect(shown).to_have_attribute("data-exact", str(exact).lower())
    expect(shown).to_have_attribute("aria-busy", "false")


def at(page: Page) -> list[int]:
    found: list[int] = page.evaluate("view.state.at")
    return found


def test_keys_go_through_slices_and_turn_the_cube(open_slices: Callable[..., Page]) -> None:
    page = open_slices()
    page.locator(".hps").focus()
    page.keyboard.press("ArrowRight")
    settled(page, 16)
    page.keyboard.press("Shift+ArrowLeft")
    settled(page, 6)
    page.keyboard.press("x")
    expect(page.get_by_role("button", name="Slices across x")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert page.evaluate("[view.state.rows, view.state.columns]") == [0, 1]
    page.get_by_label("Index along x, as a number").fill("59")
    page.keyboard.press("Enter")
    settled(page, 59)


def test_the_wheel_steps_and_ctrl_zooms(open_slices: Callable[..., Page]) -> None:
    page = open_slices()
    page.locator(".hps-image").hover()
    page.mouse.wheel(0, 120)
    settled(page, 17)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    settled(page, 17)
    assert page.evaluate("view.state.zoom") is not None
    assert page.evaluate("view.request.window[1] - view.request.window[0]") < 40


def test_a_limit_that_is_dragged_recolours_at_once_and_asks_when_it_is_let_go(
    open_slices: Callable[..., Page],
) -> None:
    page = open_slices()
    page.wait_for_function(
        "source.asked.length && document.querySelector('.hps-histogram').ariaLabel"
    )
    before = page.evaluate("source.asked.length")
    limit = page.get_by_role("slider", name="Upper limit of the colours")
    box = limit.bounding_box()
    assert box
    page.mouse.move(box["x"] + 6, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] - 100, box["y"] + 20, steps=5)
    assert page.evaluate("source.asked.length") == before
    page.mouse.up()
    settled(page)
    low, high = page.evaluate("view.state.domain")
    assert page.evaluate("source.asked.at(-1).domain") == [low, high]


def test_the_value_under_the_pointer_is_marked_until_it_is_exact(
    open_slices: Callable[..., Page],
) -> None:
    page = open_slices(delay=60)
    box = page.locator(".hps-image").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] / 2)
    expect(page.locator(".hps-note")).to_contain_text("≈")
    expect(page.locator(".hps-note")).not_to_contain_text("≈")
    shown = page.locator(".hps-note").text_content() or ""
    row, column = (
        int(word.split()[1]) for word in shown.split(":")[0].replace(" (", " ( ").split(", ")
    )
    value = page.evaluate("([y, x]) => source.valueAt([15, y, x])", [row, column])
    assert abs(float(shown.split(":")[1].replace("−", "-")) - value) < 1e-6


def test_three_planes_meet_where_one_of_them_was_clicked(
    open_slices: Callable[..., Page], shoot: Callable[[Page, str], None]
) -> None:
    page = open_slices()
    page.get_by_role("button", name="Three planes").click()
    expect(page.locator(".hps-image")).to_have_count(3)
    settled(page)
    beside = page.locator(".hps-image").nth(1)
    box = beside.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.71)
    z, y, _ = at(page)
    settled(page, z)
    assert y == 28
    shoot(page, "three planes light")


def test_a_profile_is_what_lies_along_the_line(
    open_slices: Callable[..., Page], shoot: Callable[[Page, str], None]
) -> None:
    page = open_slices("dark", state={"map": "magma"})
    box = page.locator(".hps-image").bounding_box()
    assert box
    page.get_by_role("button", name="Draw a line").click()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.8, steps=4)
    page.mouse.up()
    expect(page.locator(".hps-profile")).to_be_visible()
    page.wait_for_function("/values/.test(document.querySelector('.hps-profile canvas').ariaLabel)")
    page.mouse.move(0, 0)
    shoot(page, "profile dark")


TWELVE_KEYS = """(view) => {
    for (let number = 0; number < 12; number++) {
        view.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    }
}"""


def test_fast_hands_are_shown_what_is_there_in_time(open_slices: Callable[..., Page]) -> None:
    page = open_slices(delay=40)
    # All at once: between keys that a busy machine is slow to press, a hand would rest.
    page.locator(".hps").evaluate(TWELVE_KEYS)
    settled(page, 27)
    # What was passed by is not asked for, and nothing but the last is asked for in detail.
    assert page.evaluate("source.asked.filter((one) => !one.limit && one.at[0] > 15).length") <= 1


KEYS_FOR_FOUR_SECONDS = """async (view) => {
    const seen = new Set([view.dataset.index]);
    for (let number = 0; number < 80; number++) {
        view.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
        await new Promise((done) => setTimeout(done, 50));
        seen.add(view.dataset.index);
    }
    return seen.size;
}"""


def test_a_slow_server_is_waited_for_while_a_hand_moves(open_slices: Callable[..., Page]) -> None:
    page = open_slices(delay=600, shape=[300, 40, 60])
    # Where each slice gives way to the next before it is there, none is seen.
    assert page.locator(".hps").evaluate(KEYS_FOR_FOUR_SECONDS) >= 3


def test_of_a_large_plane_only_what_is_seen_comes_in_detail(
    open_slices: Callable[..., Page],
) -> None:
    page = open_slices(shape=[30, 3000, 2500], exact=False)
    assert page.evaluate("source.asked.every((one) => one.step > 1 && !one.window)")
    page.evaluate(
        "view.restore({ ...view.state, zoom: "
        "{ row0: 100, row1: 500, column0: 1000, column1: 1400 } })"
    )
    settled(page)
    row0, row1, column0, column1 = page.evaluate("source.asked.at(-1).window")
    assert row0 <= 100 < 500 <= row1 < 1500
    assert column0 <= 1000 < 1400 <= column1 < 2400
    asked = page.evaluate("source.asked.length")
    page.locator(".hps").focus()
    page.keyboard.press("ArrowRight")
    settled(page, 16)
    assert page.evaluate(f"source.asked.slice({asked}).every((one) => one.window)")


def test_linked_views_show_the_same(open_slices: Callable[..., Page]) -> None:
    page = open_slices()
    page.evaluate(
        """() => {
          const { SliceView } = views('slices');
          const place = document.getElementById('place');
          place.style.display = 'flex';
          window.other = new SliceView(source, {});
          place.append(other.element);
          view.changed.connect(() => other.restore(view.state));
        }"""
    )
    page.locator(".hps").first.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("combobox", name="Colours", exact=True).first.select_option("cividis")
    expect(page.locator(".hps").nth(1)).to_have_attribute("data-index", "16")
    assert page.evaluate("JSON.stringify(other.state) === JSON.stringify(view.state)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_line_has_its_values(
    open_page: Callable[..., Page], shoot: Callable[[Page, str], None], scheme: str
) -> None:
    page = open_page(scheme)
    page.evaluate(
        """() => {
          const { LineView } = views('line');
          const axes = [{ name: 'time', unit: 's', values: { first: 0, step: 0.01 } }];
          const pulse = ([i]) => (i > 300 && i < 330 ? NaN : Math.sin(i / 20) * Math.exp(-i / 300));
          window.view = new LineView(new Memory([1000], pulse, { axes, label: 'pressure (Pa)' }));
          document.getElementById('place').append(view.element);
        }"""
    )
    expect(page.get_by_role("img")).to_have_attribute(
        "aria-label", "A line from −0.73202 to 0.902571"
    )
    page.mouse.move(500, 300)
    expect(page.locator(".hps-note")).to_contain_text("time")
    shoot(page, f"line {scheme}")


def test_looks(open_slices: Callable[..., Page], shoot: Callable[[Page, str], None]) -> None:
    for scheme in ("light", "dark"):
        page = open_slices(scheme)
        page.locator(".hps-image").hover()
        page.wait_for_timeout(600)
        shoot(page, f"slices {scheme}")
