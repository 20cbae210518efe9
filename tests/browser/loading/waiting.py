"""What a repository opens, what its build tells, and the way to the page of whoever waits."""

from __future__ import annotations

from browser.test_way import log_in
from playwright.sync_api import Locator, Page, expect
from service.hub import PASSWORD
from service.running import RunningService

OPENS = "# Tides\n\nHow high [the water](https://example.org) stands."
PRINTED = {"output_type": "stream", "name": "stdout", "text": "high at 06:12\n"}
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": OPENS},
        {"cell_type": "code", "source": "tides.today()", "outputs": [PRINTED]},
    ]
}
COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
HOSTILE = "<img src=x onerror=\"document.title = 'owned'\">"
LOG = [
    "\x1b[1mStep 1/9\x1b[0m: FROM base",
    *(f"in \x1b[{30 + number}m{name}\x1b[0m" for number, name in enumerate(COLOURS)),
    HOSTILE,
    "one\rtwo\x07\x1b[2K",
    *(f"Collecting package-{number}" for number in range(200)),
]
LINES = len(LOG) + 2
"""With what the queue says itself."""

FAILURE = {
    "cause": "unknown-package",
    "message": "There is no package “nmpy”.",
    "advice": "Check its name in requirements.txt.",
    "lines": ["\x1b[31mERROR: No matching distribution found for nmpy\x1b[0m"],
}


def go_on(service: RunningService) -> None:
    """Let the build that is held come to its end."""
    service.tell(service.builder.free.set)


def open_launch(page: Page, service: RunningService, launch: str) -> None:
    """Log in as alice, and see her launch's page."""
    log_in(page, f"{service.url}/", "alice", PASSWORD)
    expect(page.get_by_role("heading", name="Launch a repository")).to_be_visible()
    page.goto(f"{service.url}/launches/{launch}")


def step(page: Page, name: str) -> Locator:
    return page.locator(f"li[data-phase={name}]")
