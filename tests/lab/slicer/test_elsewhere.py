"""Files in folders that the file browser does not show, such as a site's scratch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from lab_server import Jupyter, until
from playwright.sync_api import Locator, Page, expect
from slicer_hands import choose, shows, slider

pytestmark = pytest.mark.browser

Shoot = Callable[[Page, str], None]
MIME = "application/vnd.hpcbinder.slicer+json"


@pytest.fixture
def far(model: Path, jupyter: Jupyter) -> Path:
    """The model, where only its path leads to it."""
    scratch = jupyter.workspace.parent / "scratch"
    scratch.mkdir()
    jupyter.start_alone(HPCBINDER_DATA_ROOTS=str(scratch))
    return model.rename(scratch / model.name)


def panels(page: Page) -> Locator:
    return page.locator(".hps-panel:visible")


def in_menu(panel: Locator, name: str) -> None:
    panel.get_by_role("button", name="More").click()
    panel.page.get_by_role("menuitem", name=name).click()


def test_a_path_is_asked_for_and_a_link_leads_there_again(
    far: Path, lab: Callable[..., Page], shoot: Shoot
) -> None:
    page = lab()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_role("menuitem", name="Open HDF5 File from Path…").click()
    page.get_by_role("button", name=f"{far.parent}/").click()
    asked = page.get_by_role("textbox", name="Path")
    expect(asked).to_be_focused()
    asked.press_sequentially("nothing.h5")
    shoot(page, "path")
    asked.press("Enter")
    expect(page.locator(".hps-notice").first).to_contain_text("/scratch/nothing.h5")
    page.locator(".lm-TabBar-tab", has_text="nothing.h5").locator(".lm-TabBar-tabCloseIcon").click()

    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_role("menuitem", name="Open HDF5 File from Path…").click()
    asked.fill(str(far))
    asked.press("Enter")
    panel = panels(page)
    choose(panel, "inversion", "velocity")
    shows(panel, 48)
    slider(panel).press("ArrowRight")
    shows(panel, 49)
    in_menu(panel, "Copy a link to this view")
    expect(page.get_by_text("The link was copied.")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")

    page.goto(link)
    page.locator(".jp-DirListing-content").wait_for()
    # What was open comes back, and beside it what the link leads to.
    expect(page.locator(".lm-TabBar-tab", has_text=far.name)).to_have_count(2)
    shows(panels(page), 49)


def test_what_a_notebook_shows_is_opened_beside_it(
    far: Path, jupyter: Jupyter, lab: Callable[..., Page], shoot: Shoot
) -> None:
    shown = {"file": str(far), "path": "/inversion/velocity"}
    output = {"output_type": "display_data", "metadata": {}, "data": {MIME: shown}}
    cell = {"cell_type": "code", "source": "", "metadata": {}, "execution_count": 1}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": kernel}
    text = json.dumps({**notebook, "cells": [{**cell, "outputs": [output]}]})
    (jupyter.workspace / "shown.ipynb").write_text(text)
    page = lab(path="lab/tree/shown.ipynb")
    shows(panels(page), 48)
    in_menu(panels(page), "Open beside, linked")
    expect(panels(page)).to_have_count(2)
    slider(panels(page).last).press("ArrowRight")
    for panel in panels(page).all():
        shows(panel, 49)
    shoot(page, "beside a notebook")

    def kept() -> list[tuple[str, list[int]]]:
        data = page.request.get(f"{jupyter.url}/lab/api/workspaces/default").json()["data"]
        states = [one["data"] for name, one in data.items() if "hpcbinder-slicer:" in name]
        return [(one["file"], one["picture"]["at"]) for one in states]

    until(lambda: kept() == [(str(far), [49, 40, 32])])
    page.reload()
    tab = page.locator(".lm-TabBar-tab", has_text=far.name)
    expect(tab).to_have_count(1)
    tab.click()
    shows(page.locator(".jp-MainAreaWidget > .hps-panel:visible"), 49)
