"""What a scientist does with the slicer, in Chromium, with her own hands on a real JupyterLab."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_server import Jupyter, until
from playwright.sync_api import Locator, Page, expect
from slicer_hands import choose, double_click, pixels, shows, slider

pytestmark = pytest.mark.browser

Shoot = Callable[[Page, str], None]
Lab = Callable[..., Page]
# Of the nearest element below it that has one.
BACKGROUND = """
element => {
  while (getComputedStyle(element).backgroundColor === 'rgba(0, 0, 0, 0)') {
    element = element.parentElement;
  }
  return getComputedStyle(element).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number);
}"""


def test_a_double_click_shows_the_middle_and_fetches_no_file(
    model: Path, lab: Lab, shoot: Shoot
) -> None:
    page = lab()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    panel = double_click(page, model.name)
    choose(panel, "inversion", "velocity")
    shows(panel, 48)
    expect(panel.locator(".hps-path")).to_have_text("/inversion/velocity")
    shoot(page, "the middle")
    assert any("/hpcbinder/slicer/plane?" in url for url in asked)
    contents = [one for one in asked if f"/api/contents/{model.name}" in one]
    fetched = [one for one in contents if "content=0" not in one and "/checkpoints" not in one]
    assert fetched == []
    assert not any("/files/" in one for one in asked)


def test_a_double_click_copies_no_file(model: Path, lab: Lab) -> None:
    page = lab()
    panel = double_click(page, model.name)
    choose(panel, "inversion", "velocity")
    shows(panel, 48)
    page.wait_for_timeout(2000)
    assert not any(model.parent.rglob(".ipynb_checkpoints/*"))


def test_a_hand_slides(velocity: Callable[..., tuple[Page, Locator]], shoot: Shoot) -> None:
    page, panel = velocity()
    slider(panel).fill("20")
    shows(panel, 20)
    slider(panel).press("ArrowRight")
    shows(panel, 21)
    slider(panel).press("Shift+ArrowRight")
    shows(panel, 31)
    number = panel.get_by_role("spinbutton", name="as a number")
    number.fill("5")
    number.press("Enter")
    shows(panel, 5)
    shoot(page, "another slice")


def test_another_axis_and_other_colours(
    velocity: Callable[..., tuple[Page, Locator]], shoot: Shoot
) -> None:
    page, panel = velocity()
    across = panel.get_by_role("button", name="Slices across")
    across.nth(1).click()
    expect(across.nth(1)).to_have_attribute("aria-pressed", "true")
    slider(panel).fill("30")
    shows(panel, 30)
    before = pixels(panel)
    colours = panel.get_by_role("combobox", name="Colours", exact=True)
    colours.select_option("magma")
    until(lambda: pixels(panel) != before)
    magma = pixels(panel)
    panel.get_by_role("button", name="Inverted colours").click()
    until(lambda: pixels(panel) not in (before, magma))
    shoot(page, "inverted magma")


def test_it_is_dark_where_jupyterlab_is(
    jupyter: Jupyter, velocity: Callable[..., tuple[Page, Locator]], shoot: Shoot
) -> None:
    settings = jupyter.home / ".jupyter/lab/user-settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    (settings / "themes.jupyterlab-settings").write_text('{"theme": "JupyterLab Dark"}')
    page, panel = velocity()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    red, green, blue = panel.locator(".hps-stage").evaluate(BACKGROUND)
    assert max(red, green, blue) < 60
    shoot(page, "dark")


def test_linked_panels_show_the_same_slice(
    velocity: Callable[..., tuple[Page, Locator]], model: Path, shoot: Shoot
) -> None:
    shutil.copy(model, model.with_name("later.h5"))
    page, first = velocity()
    first.get_by_role("button", name="Link", exact=True).click()
    second = double_click(page, "later.h5")
    choose(second, "inversion", "velocity")
    shows(second, 48)
    beside(page, "later.h5")
    second.get_by_role("button", name="Link", exact=True).click()
    slider(second).fill("12")
    shows(second, 12)
    shows(first, 12)
    shoot(page, "linked")


def beside(page: Page, name: str) -> None:
    """Drag a tab to the right edge, as people do."""
    tab = page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text=name)
    place = page.locator("#jp-main-dock-panel").bounding_box()
    assert place is not None
    tab.hover()
    page.mouse.down()
    x, y = place["x"] + place["width"] - 20, place["y"] + place["height"] / 2
    page.mouse.move(x - 100, y, steps=10)
    page.mouse.move(x, y, steps=5)
    page.mouse.up()


@pytest.fixture
def writer(jupyter: Jupyter) -> Iterator[Callable[[], None]]:
    """`writer()`: another process writes one more iteration, and has flushed it."""
    program = Path(__file__).with_name("growing.py")
    command = [sys.executable, program, jupyter.workspace / "run.h5"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        def write() -> None:
            print(file=process.stdin, flush=True)
            assert process.stdout.readline()

        yield write


def test_a_file_that_is_written_is_followed(
    writer: Callable[[], None], lab: Lab, shoot: Shoot
) -> None:
    page = lab()
    panel = double_click(page, "run.h5")
    choose(panel, "model")
    panel.get_by_role("button", name="Follow latest").click()
    for iteration in (1, 2):
        writer()
        flushed = time.perf_counter()
        expect(slider(panel)).to_have_attribute("max", str(iteration))
        expect(slider(panel)).to_have_value(str(iteration))
        print(f"iteration {iteration} after {time.perf_counter() - flushed:.2f} s")
    # How they go on is shown below the slider.
    course = panel.locator(".hps-course")
    expect(course).to_contain_text("3 iterations, the last")
    expect(course.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"Means go from 25 to 225, values from 0 to 250\.$")
    )
    shoot(page, "the latest")
