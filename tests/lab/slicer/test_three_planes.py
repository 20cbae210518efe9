"""What is seen of a cube at once: three planes through a point, and parts of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lab_server import until
from playwright.sync_api import FloatRect, Locator, Page, expect
from slicer_hands import pictures, pixels, rests, shows, slider

from benchmarks.slicer.browser.line import came, forget

pytestmark = pytest.mark.browser

Velocity = Callable[..., tuple[Page, Locator]]
Kept = Callable[[Page], dict[str, Any]]
Shoot = Callable[[Page, str], None]


def box_of(element: Locator) -> FloatRect:
    box = element.bounding_box()
    assert box is not None
    return box


def at_last(page: Page, kept: Kept, before: dict[str, float] | None) -> dict[str, float]:
    """The zoom that is written down when a hand rests; on its way it may be written down too."""
    seen: list[dict[str, float] | None] = [before]

    def rests() -> bool:
        page.wait_for_timeout(2000)
        seen.append(kept(page).get("zoom"))
        return seen[-1] != before and seen[-1] == seen[-2]

    until(rests)
    assert seen[-1] is not None
    return seen[-1]


def test_a_click_in_one_plane_moves_the_other_two(
    velocity: Velocity, kept: Kept, shoot: Shoot
) -> None:
    page, panel = velocity()
    panel.get_by_role("button", name="Three planes").click()
    expect(pictures(panel)).to_have_count(3)
    shows(panel, 48)
    # All is asked for once more when a file that was just written may be relied on.
    expect(panel.locator(".hps-live")).to_be_empty(timeout=60_000)
    rests(page, panel)
    before = [pixels(panel, number) for number in range(3)]
    forget(page)
    # The one beside the first: y goes down in it, and x across, as far apart as the file says.
    box = box_of(pictures(panel).nth(1))
    scale = min(box["width"] / 96, box["height"] / 80)
    x, y = 24, 60
    page.mouse.click(
        box["x"] + box["width"] / 2 + (x + 0.5 - 48) * scale,
        box["y"] + box["height"] / 2 + (y + 0.5 - 40) * scale,
    )
    shows(panel, x)
    expect(slider(panel)).to_have_value(str(x))
    page.mouse.move(5, 5)
    for number, picture in enumerate(before):
        until(lambda number=number, picture=picture: pixels(panel, number) != picture)
    # Not the values under a pointer that was on its way.
    asked = [one.asked for one in came(page) if "view" in one.asked]
    assert {(one["rows"], one["columns"]) for one in asked} == {("1", "2"), ("0", "2")}
    assert {one["at"] for one in asked} == {f"{x},{y},32"}
    shoot(page, "cross-hairs elsewhere")
    until(lambda: kept(page).get("at") == [x, y, 32])
    page.reload()
    panel = page.locator(".hps-panel")
    expect(pictures(panel)).to_have_count(3)
    shows(panel, x)
    assert kept(page)["at"] == [x, y, 32]


def test_a_wheel_zooms_a_drag_pans_and_a_double_click_shows_all(
    velocity: Velocity, kept: Kept
) -> None:
    page, panel = velocity()
    whole = rests(page, panel)
    box = box_of(pictures(panel))
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    closer = at_last(page, kept, None)
    assert 0 < closer["row0"] < closer["row1"] < 80
    # The point below the pointer stayed where it was.
    assert abs(closer["row0"] + closer["row1"] - 80) < 1
    page.mouse.down()
    page.mouse.move(middle[0], middle[1] + 60, steps=6)
    page.mouse.up()
    moved = 60 * (closer["row1"] - closer["row0"]) / box["height"]
    after = at_last(page, kept, closer)
    assert abs(closer["row0"] - after["row0"] - moved) < 0.5
    shows(panel, 48)
    page.mouse.dblclick(*middle)
    until(lambda: kept(page)["zoom"] is None)
    page.mouse.move(5, 5)
    # Nor did it move when what was said of the file, written just before, was no longer so.
    expect(panel.locator(".hps-live")).to_be_empty(timeout=60_000)
    assert box_of(pictures(panel)) == box
    until(lambda: rests(page, panel) == whole)
