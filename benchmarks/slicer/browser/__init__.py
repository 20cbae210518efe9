"""What a browser makes of the slicer: a hand on its slider, and a line of a known speed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from .. import servers
from ..cubes import Sizes, Stored
from ..environment import ROOT
from . import pages
from .frames import Frames, traced
from .hand import slide
from .line import Came, came, forget, throttle

# WebGL without a graphics card: drawn by the processor, which the servers want as well.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
WINDOW = {"width": 1400, "height": 900}
MEGABITS = 10
LATENCY_MS = 20
EXTENSION = ROOT / "hpcbinder/lab/extension"


def figures(python: Path, data: Stored, sizes: Sizes) -> dict[str, Any]:
    """Of a hand that slides in a real JupyterLab, and in a page that does next to nothing."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with (
        tempfile.TemporaryDirectory() as extensions,
        sync_playwright() as playwright,
    ):
        name = json.loads((EXTENSION / "package.json").read_text())["name"]
        shutil.copytree(EXTENSION, Path(extensions) / name)
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        with servers.jupyterlab(python, data.path.parent, Path(extensions)) as server:
            found = _bare(browser, sizes.hand_seconds)
            page = browser.new_page(viewport=WINDOW)
            panel = pages.panel(page, server.port, data)
            slider = panel.get_by_role("slider", name="Index along")
            found |= _frames(browser, page, slider, sizes.hand_seconds).figures()
            found |= _narrow(page, panel, slider, sizes.hand_seconds)
        browser.close()
    return found


def _bare(browser: Browser, seconds: float) -> dict[str, Any]:
    page = pages.bare(browser.new_page(viewport=WINDOW))
    taken = _frames(browser, page, page.get_by_role("slider"), seconds)
    page.close()
    return taken.figures("_bare")


def _frames(browser: Browser, page: Page, slider: Locator, seconds: float) -> Frames:
    """After a first touch, as a hand would: what is read once is read."""
    slide(page, slider, seconds / 2)
    page.wait_for_timeout(1000)
    return traced(browser, page, lambda: slide(page, slider, seconds))


def _narrow(page: Page, panel: Locator, slider: Locator, seconds: float) -> dict[str, Any]:
    """How fine pictures are at 10 Mbit/s, how many come, and when all of the last one is there."""
    fast = _slid(page, slider, seconds)
    throttle(page, MEGABITS, LATENCY_MS)
    _slid(page, slider, seconds)
    slow = _slid(page, slider, seconds)
    begun = page.evaluate("performance.now()")
    panel.locator(".hps[data-exact=true][aria-busy=false]").wait_for()
    rested = page.evaluate("performance.now()") - begun
    return {
        "drag_bytes": round(median(one.nbytes for one in fast)),
        "narrow_drag_bytes": round(median(one.nbytes for one in slow)),
        "narrow_pictures_a_second": round(len(slow) / seconds, 1),
        "narrow_exact_ms": round(rested),
    }


def _slid(page: Page, slider: Locator, seconds: float) -> Sequence[Came]:
    forget(page)
    slide(page, slider, seconds)
    return [one for one in came(page) if one.moving]
