"""HDF5 files in JupyterLab: what a double-click opens, and what a link opens again."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs, quote, urlsplit

import h5py
import numpy as np
import pytest
from lab_server import Jupyter
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

Shoot = Callable[[Page, str], None]
MIME = "application/vnd.hpcbinder.slicer+json"
STATE = {
    "file": "model.h5",
    "path": "/run/velocity",
    "picture": {"at": [3, 7, 11], "rows": 0, "columns": 2, "map": "magma"},
}


@pytest.fixture
def page(jupyter: Jupyter, new_page: Callable[..., Page]) -> Page:
    """A browser at a server with two models, and something else of the same ending."""
    values = np.random.default_rng(1).random((8, 20, 30))
    for name, shift in (("model.h5", 0.0), ("other.h5", 0.5)):
        with h5py.File(jupyter.workspace / name, "w") as file:
            file.create_dataset("run/velocity", data=values + shift, chunks=(4, 10, 10))
            file["run/velocity"].attrs["unit"] = "km/s"
            file["author"] = "somebody"
    (jupyter.workspace / "old.mat").write_bytes(
        b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + b" " * 90
    )
    jupyter.start_alone()
    return new_page()


def open_file(page: Page, name: str) -> None:
    page.locator(".jp-DirListing-item", has_text=name).dblclick()


def in_tree(page: Page, path: str) -> Locator:
    return page.locator(f".hps-tree-row[data-path='{path}']:visible")


def index_along(page: Page, axis: str) -> Locator:
    return page.get_by_label(f"Index along {axis}, as a number")


def until_kept(page: Page, jupyter: Jupyter, panels: int) -> None:
    """JupyterLab writes down what is open a moment later, and brings it back from there."""
    for _ in range(120):
        kept = page.request.get(f"{jupyter.url}/lab/api/workspaces/default").json()["data"]
        if len([name for name in kept if name.startswith("hpcbinder-slicer:")]) == panels:
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"JupyterLab has not kept {panels} panels: {sorted(kept)}")


def test_a_double_click_opens_the_tree_and_fetches_nothing_of_the_file(
    jupyter: Jupyter, page: Page, shoot: Shoot
) -> None:
    fetched: list[str] = []
    written: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.on("request", lambda request: request.method != "GET" and written.append(request.url))
    page.goto(f"{jupyter.url}/lab")
    open_file(page, "model.h5")
    in_tree(page, "/author").click()
    expect(page.locator(".hps-value")).to_have_text("somebody")
    in_tree(page, "/run").click()
    in_tree(page, "/run/velocity").click()
    expect(index_along(page, "axis 0")).to_have_value("4")
    shoot(page, "slices")
    asked = [urlsplit(url) for url in fetched if "api/contents/model.h5" in url]
    whole = [url for url in asked if not url.path.endswith("/checkpoints")]
    assert whole
    # A checkpoint would be a copy of the whole file.
    assert not [url for url in written if "api/contents" in url]
    assert all(parse_qs(url.query).get("content") == ["0"] for url in whole)
    page.get_by_role("tab", name="Table", exact=True).click()
    expect(page.locator(".hps-table-sheet td").first).to_have_text("0.5118216247002567")
    page.get_by_role("tab", name="About").click()
    expect(page.locator(".hps-about")).to_contain_text("km/s")


def test_a_link_opens_the_same_slice_again(jupyter: Jupyter, page: Page) -> None:
    page.goto(f"{jupyter.url}/lab?slicer={quote(json.dumps(STATE))}")
    expect(index_along(page, "axis 1")).to_have_value("7")
    expect(page.get_by_role("combobox", name="Colours", exact=True)).to_have_value("magma")
    expect(in_tree(page, "/run/velocity")).to_have_attribute("aria-selected", "true")
    assert "slicer" not in page.url


def test_two_panels_go_together_and_one_is_taken_from_the_other(
    jupyter: Jupyter, page: Page, shoot: Shoot
) -> None:
    page.goto(f"{jupyter.url}/lab?slicer={quote(json.dumps(STATE))}")
    expect(index_along(page, "axis 1")).to_have_value("7")
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Open beside, linked").click()
    indices = index_along(page, "axis 1")
    expect(indices).to_have_count(2)
    page.get_by_role("slider", name="Index along axis 1").first.press("Shift+ArrowRight")
    expect(indices.first).to_have_value("17")
    expect(indices.last).to_have_value("17")
    until_kept(page, jupyter, panels=2)
    other = json.dumps({**STATE, "file": "other.h5"})
    page.goto(f"{jupyter.url}/lab?slicer={quote(other)}")
    third = page.locator(".jp-Document:visible", has_text="other.h5")
    expect(third.get_by_label("Index along axis 1, as a number")).to_have_value("7")
    difference = page.get_by_role("menuitem", name="Show the difference to model.h5")
    # The menu offers what is open when it opens, and the other panels come back one by one.
    for _ in range(60):
        third.get_by_role("button", name="More").click()
        expect(page.get_by_role("menuitem", name="Copy a link to this view")).to_be_visible()
        if difference.count():
            break
        page.keyboard.press("Escape")
        page.wait_for_timeout(500)
    difference.click()
    expect(third.get_by_role("textbox", name="Highest value")).to_have_value("0.5")
    shoot(page, "difference")


def test_what_is_no_hdf5_says_what_it_is(jupyter: Jupyter, page: Page, shoot: Shoot) -> None:
    page.goto(f"{jupyter.url}/lab")
    open_file(page, "old.mat")
    notice = page.locator(".hps-notice")
    expect(notice).to_contain_text("MATLAB file of version 5")
    expect(notice.get_by_role("button", name="Open with")).to_be_visible()
    shoot(page, "no HDF5")


def test_a_notebooks_output_shows_it_without_a_kernel(jupyter: Jupyter, page: Page) -> None:
    shown = {"file": str(jupyter.workspace / "model.h5"), "path": "/run/velocity"}
    output = {"output_type": "display_data", "metadata": {}, "data": {MIME: shown}}
    cell = {"cell_type": "code", "source": "", "metadata": {}, "execution_count": 1}
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}}
    text = json.dumps({**notebook, "cells": [{**cell, "outputs": [output]}]})
    (jupyter.workspace / "shown.ipynb").write_text(text)
    page.goto(f"{jupyter.url}/lab/tree/shown.ipynb")
    expect(index_along(page, "axis 0")).to_have_value("4")
