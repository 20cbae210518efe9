"""The loading page in Chromium, beside a real JupyterHub whose servers need no cluster."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from browser.test_pages import is_well_made
from browser.test_way import log_in
from cluster.person import Person
from playwright.sync_api import Page, expect
from service.conftest import alice, hub, people, repository, service, start_service
from service.hub import PASSWORD
from service.repository import ServedRepository
from service.running import RunningService

__all__ = ["alice", "hub", "people", "repository", "service", "start_service"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Shoot = Callable[[Page, str], None]

NOTEBOOK = json.dumps(
    {
        "cells": [
            {
                "cell_type": "markdown",
                "source": "# Tides\n\nHow high [the water](https://example.org) stands.",
            },
            {
                "cell_type": "code",
                "source": "import tides\n\ntides.today()",
                "outputs": [{"output_type": "stream", "name": "stdout", "text": "high at 06:12\n"}],
            },
        ]
    }
)
LINES = [
    "\x1b[1mStep 1/9\x1b[0m : FROM base",
    *(
        f"\x1b[{code}m{name}\x1b[0m text"
        for code, name in enumerate(
            ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"), 30
        )
    ),
    "<img src=x onerror=\"document.title='owned'\">",
    *(f"Collecting package-{number}" for number in range(300)),
]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_looks(
    scheme: str,
    width: int,
    new_page: Callable[..., Page],
    shoot: Shoot,
    alice: Person,
    service: RunningService,
    repository: ServedRepository,
) -> None:
    repository.commit("index.ipynb", NOTEBOOK)
    service.builder.lines = [("building", line) for line in LINES]
    service.tell(service.builder.free.clear)
    launch = alice.launch(repository.url)
    page = new_page(scheme=scheme, width=width)
    page.on(
        "response",
        lambda r: (
            r.status >= 400
            and print("RESPONSE", r.status, r.url, r.text()[:300], r.request.headers)
        ),
    )
    page.on("pageerror", lambda m: print("ERROR", m))
    log_in(page, f"{service.url}/", "alice", PASSWORD)
    expect(page.get_by_role("heading", name="Launch a repository")).to_be_visible()
    page.goto(f"{service.url}/launches/{launch}")
    expect(page.locator("li[data-phase=building]")).to_have_class("now")
    page.wait_for_timeout(2500)
    is_well_made(page)
    shoot(page, "building")
    page.get_by_text("Log of the build").click()
    page.get_by_label("Show lines with").fill("package-1")
    page.wait_for_timeout(500)
    shoot(page, "log")
    page.get_by_label("Show lines with").fill("")
    page.locator("#log").evaluate("e => e.scrollTop = 0")
    page.wait_for_timeout(300)
    page.locator("#log").screenshot(path=f"/tmp/log-{scheme}-{width}.png")
    page.locator("#preview").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    shoot(page, "preview")
    service.builder.failure = {
        "cause": "x",
        "message": "A package was not found.",
        "advice": "Check its name.",
        "lines": ["\x1b[31mERROR: No matching distribution found for nmpy\x1b[0m"],
    }
    service.tell(service.builder.free.set)
    expect(page.locator("#failure")).to_be_visible()
    page.evaluate("scrollTo(0,0)")
    shoot(page, "failed")
