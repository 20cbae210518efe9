"""Chromium in front of the containerised site; every step leaves a screenshot."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster.conftest import alice, bob, dave, person, rig
from playwright.sync_api import Browser, Page, expect, sync_playwright

__all__ = ["alice", "bob", "dave", "person", "rig"]

ARTEFACTS = Path(__file__).parents[2] / "test-artefacts" / "screenshots"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# A machine that is busy with other tests is slow, and that is not what is tested here.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; where a distribution has none, the one that Playwright installed.

    Closed with its module: while it is open, Playwright's event loop runs, and no other can.
    """
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`new_page()`: a page in a context of its own, as another person's browser is."""
    contexts = []

    def make(scheme: str = "light", width: int = 1280, height: int = 800) -> Page:
        context = chromium.new_context(
            color_scheme=scheme, viewport={"width": width, "height": height}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """`shoot(page, "what is seen")`: numbered screenshots of the test's steps."""
    directory = ARTEFACTS / re.sub(r"\W+", "-", request.node.name).strip("-")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    count = iter(range(1, 100))

    def take(page: Page, what: str) -> None:
        page.screenshot(path=str(directory / f"{next(count):02}-{what.replace(' ', '-')}.png"))

    return take
