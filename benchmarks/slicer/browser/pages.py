"""What a browser is shown: the panel in JupyterLab, and a page that does next to nothing."""

from __future__ import annotations

import json
from urllib.parse import quote

from playwright.sync_api import Locator, Page

from ..connection import TOKEN
from ..cubes import DATASET, Stored

START_MS = 120_000

BARE = """
<!doctype html>
<style>body { margin: 0; } input { width: 60vw; display: block; } canvas { margin: 40px; }</style>
<input type="range" min="0" max="511">
<canvas width="800" height="560"></canvas>
<script>
  const context = document.querySelector('canvas').getContext('2d');
  document.querySelector('input').oninput = ({ target }) => {
    requestAnimationFrame(() => {
      context.fillStyle = `hsl(${target.value} 50% 50%)`;
      context.fillRect(0, 0, 800, 560);
    });
  };
</script>
"""


def bare(page: Page) -> Page:
    """A slider, and a picture of one colour: no request, nothing to decode."""
    page.set_content(BARE)
    return page


def panel(page: Page, port: int, data: Stored) -> Locator:
    """The data set's middle, exactly."""
    state = {"file": data.path.name, "path": DATASET}
    page.goto(f"http://127.0.0.1:{port}/lab?token={TOKEN}&slicer={quote(json.dumps(state))}")
    page.locator(".hps[data-exact=true]").wait_for(timeout=START_MS)
    return page.locator(".hps-panel")
