"""A plane as a picture: its colours are read back from the screen."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

# Four rows and six columns of codes, the first of which is no number.
SHOW = """
async (options) => {
  const { Heatmap } = views('heatmap');
  views('style').addStyle();
  document.getElementById('place').className = 'hps';
  const map = new Heatmap(options.painter);
  document.getElementById('place').append(map.element);
  const source = new Memory([4, 6], ([r, c]) => (r + c === 0 ? NaN : 10 * r + c));
  const info = (name) => ({ name, unit: 'mm', values: { first: 0, step: 2 } });
  const axis = (name, count) => ({ axis: info(name), name, count });
  map.setAxes(axis('y', 4), axis('x', 6), 1);
  map.viewport.flipped = Boolean(options.flipped);
  const colours = { scale: 'linear', domain: 'slice', part: '', bits: options.bits };
  const request = { rows: 0, columns: 1, at: [0, 0], ...colours };
  map.setPlane(0, await source.plane(request, new AbortController().signal));
  const limits = { low: 1, high: 35 };
  map.setColours({ map: 'gray', inverted: false, scale: 'linear', limits });
  window.map = map;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return map.kind;
}
"""


PIXEL = """
async (png) => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + png;
  await image.decode();
  const context = document.createElement('canvas').getContext('2d');
  context.drawImage(image, 0, 0);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
}
"""


def colour(page: Page, row: float, column: float) -> tuple[int, int, int]:
    """What is on the screen at a place of the plane."""
    spot = page.evaluate(
        """([row, column]) => {
          const { x, y } = map.viewport.toScreen(row, column);
          const box = map.element.querySelector('.hps-image').getBoundingClientRect();
          return [Math.round(box.left + x), Math.round(box.top + y)];
        }""",
        [row, column],
    )
    clip = {"x": spot[0], "y": spot[1], "width": 1, "height": 1}
    png = base64.b64encode(page.screenshot(clip=clip)).decode()
    return tuple(page.evaluate(PIXEL, png))


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("painter", ["webgl2", "canvas2d"])
@pytest.mark.parametrize("bits", [8, 16, 0])
def test_values_are_the_colours_that_they_should_be(
    open_page: Callable[..., Page], painter: str, bits: int, shoot: Callable[[Page, str], None]
) -> None:
    page = open_page()
    assert page.evaluate(SHOW, {"painter": painter, "bits": bits}) == painter
    for row, column in [(0, 1), (1, 3), (2, 2), (3, 5)]:
        expected = round((10 * row + column - 1) / 34 * 255)
        seen = colour(page, row + 0.3, column + 0.7)
        assert max(abs(one - expected) for one in seen) <= 2, (row, column, seen, expected)
    shoot(page, f"heatmap {painter} {bits}")
