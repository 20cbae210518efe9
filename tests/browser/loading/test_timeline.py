"""What a launch's and a build's events say about its steps: `share/static/timeline.js`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page
from service.running import RunningService

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize(
    ("launch", "build", "now", "steps"),
    [
        pytest.param(
            [("fetching", 100), ("waiting", 102, "b")],
            [("waiting", 10), ("building", 20)],
            110,
            {"fetching": ("done", 2), "waiting": ("done", 0), "building": ("now", 8)},
            id="joined a build that others wait for",
        ),
        pytest.param(
            [("fetching", 0), ("building", 2, "b")],
            [("waiting", 2), ("building", 5), ("waiting", 25), ("building", 30)],
            40,
            {"fetching": ("done", 2), "waiting": ("done", 8), "building": ("now", 30)},
            id="the first builder was lost",
        ),
        pytest.param(
            [("fetching", 0), ("building", 2, "b"), ("built", 32), ("parked", 32)],
            [("waiting", 2), ("building", 2), ("pushing", 20), ("converting", 22), ("built", 31)],
            900,
            {"building": ("done", 18), "converting": ("done", 11), "launching": ("", None)},
            id="ready to start, and nobody here",
        ),
        pytest.param(
            [("fetching", 0), ("built", 1), ("launching", 1), ("launching", 5), ("failed", 9)],
            [],
            900,
            {"building": ("skipped", None), "launching": ("failed", 8)},
            id="no node",
        ),
    ],
)
def test_the_timeline(
    new_page: Callable[..., Page],
    service: RunningService,
    launch: list[tuple[Any, ...]],
    build: list[tuple[Any, ...]],
    now: float,
    steps: dict[str, tuple[str, float | None]],
) -> None:
    page = new_page()
    page.goto(f"{service.url}/badge.svg")
    script = """async ([module, launch, build, now]) => {
        const { Timeline } = await import(module);
        const timeline = new Timeline();
        for (const [phase, at, build] of launch) timeline.addLaunch({ phase, at, build });
        for (const [phase, at] of build) timeline.addBuild({ phase, at });
        return timeline.at(now);
    }"""
    address = f"{service.url}/static/timeline.js"
    found = page.evaluate(script, [address, launch, build, now])
    shown = {one["name"]: (one["state"], one.get("seconds")) for one in found}
    assert {name: shown[name] for name in steps} == steps
