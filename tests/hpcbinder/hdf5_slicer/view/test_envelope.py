"""A line of more values than can be drawn: its range is, and no spike is missed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OPEN = """
(options) => {
  const { LineView } = views('line');
  const spike = options.spike ?? 54321;
  const wave = (i) => i === spike ? 9 : Math.sin(i / 9000) + 0.2 * Math.sin(i * 1.7);
  const trace = ([i]) => (i > 70000 && i < 71500 ? NaN : wave(i));
  const axes = [{ name: 'time', unit: 's', values: { first: 0, step: 0.01 } }];
  const about = { axes, label: 'pressure (Pa)', ...options };
  window.source = new Memory([options.size ?? 100000], trace, about);
  if (options.held) {
    const envelope = source.envelope.bind(source);
    const released = new Promise((release) => (window.release = release));
    source.envelope = (...asked) => released.then(() => envelope(...asked));
  }
  window.view = new LineView(source, { state: options.state ?? {} });
  document.getElementById('place').append(view.element);
}
"""


@pytest.fixture
def open_line(open_page: Callable[..., Page]) -> Callable[..., Page]:
    def make(scheme: str = "light", **options: Any) -> Page:
        page = open_page(scheme)
        page.evaluate(OPEN, options)
        return page

    return make


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_spike_is_seen_from_afar(
    open_line: Callable[..., Page], shoot: Callable[[Page, str], None], scheme: str
) -> None:
    page = open_line(scheme)
    note = page.locator(".hps-note")
    expect(note).to_contain_text("range of each 98 values")
    expect(note).to_contain_text("1,499 values are no numbers")
    expect(page.get_by_role("img")).to_have_attribute("aria-label", "A line from −1.19997 to 9")
    assert page.evaluate("source.asked.every((one) => one.step > 1)")
    plot = page.locator(".hps-plot").bounding_box()
    assert plot
    page.mouse.move(
        plot["x"] + 76 + (plot["width"] - 94) * 54321 / 100_000, plot["y"] + plot["height"] / 2
    )
    expect(note).to_contain_text("to 9   ·")
    shoot(page, f"envelope {scheme}")


def test_until_it_is_there_a_sample_is_and_says_so(open_line: Callable[..., Page]) -> None:
    page = open_line(held=True)
    expect(page.locator(".hps-note")).to_contain_text("coarse: every 13. value")
    page.evaluate("release()")
    expect(page.locator(".hps-note")).to_contain_text("range of each")


def test_from_near_all_values_are_drawn(open_line: Callable[..., Page]) -> None:
    page = open_line()
    note = page.locator(".hps-note")
    expect(note).to_contain_text("range of each")
    page.evaluate("view.restore({ ...view.state, range: { low: 54000, high: 55000 } })")
    expect(note).not_to_contain_text("range of each")
    expect(note).not_to_contain_text("coarse")
    assert page.evaluate("source.asked.at(-1).window") == [0, 1, 54000, 55000]
    expect(page.get_by_role("img")).to_have_attribute("aria-label", "A line from −0.477677 to 9")
    enveloped = page.evaluate("source.enveloped.length")
    page.evaluate("view.restore({ ...view.state, range: null })")
    # It is there still.
    expect(note).to_contain_text("range of each")
    page.wait_for_timeout(400)
    assert page.evaluate("source.enveloped.length") == enveloped


def test_few_values_are_drawn_as_they_are(open_line: Callable[..., Page]) -> None:
    page = open_line(size=5000)
    expect(page.get_by_role("img")).to_have_attribute(
        "aria-label", "A line from −0.19644 to 0.724586"
    )
    page.wait_for_timeout(400)
    assert page.evaluate("source.enveloped ?? []") == []


def test_a_logarithm_has_a_band_down_to_the_edge(
    open_line: Callable[..., Page], shoot: Callable[[Page, str], None]
) -> None:
    page = open_line(state={"scale": "log"})
    expect(page.locator(".hps-note")).to_contain_text("range of each")
    shoot(page, "envelope log")


def test_while_it_grows_one_comes_after_the_other(open_line: Callable[..., Page]) -> None:
    page = open_line(delay=100)
    expect(page.locator(".hps-note")).to_contain_text("range of each")
    aborted = page.evaluate("source.aborted")
    for _ in range(3):
        page.evaluate("source.shape = [source.shape[0] + 1000]; view.refresh();")
        page.wait_for_timeout(200)
    expect(page.locator(".hps-note")).to_contain_text("range of each 101 values")
    assert page.evaluate("source.enveloped.at(-1).request.window[3]") == 103_000
    assert page.evaluate("source.aborted") <= aborted + 3
