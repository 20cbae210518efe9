"""Workers in a real JupyterLab: the panel in a notebook, the dashboard, and what counts as use."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles.crews_service import CrewsService
from doubles.worker_node import ProcessNodes
from lab_server import TOKEN, Jupyter, until
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

CODE = """\
from hpcbinder import Workers
workers = Workers(2, name="some")
workers"""
WHAT_RUNS = """\
import time
future = workers.client().submit(time.sleep, 3600)"""


@pytest.fixture
def service(environment: Path) -> Iterator[CrewsService]:
    # Certificates are made by the environment's own Dask, as is all else of it.
    code = "from distributed.security import Security; s = Security.temporary(); "
    code += "import json; print(json.dumps([s.tls_client_cert, s.tls_client_key]))"
    uv = Path(sys.executable).with_name("uv")
    python = environment / "bin/python"
    added = ["pip", "install", "--quiet", "--python", python, "cryptography", "bokeh"]
    added += ["dask-labextension"]
    subprocess.run([uv, *added], check=True)
    made = subprocess.run([python, "-c", code], check=True, capture_output=True)
    certificate, key = json.loads(made.stdout)
    nodes = ProcessNodes(python)
    service = CrewsService({"certificate": certificate, "key": key}, nodes, token=TOKEN)
    yield service
    service.end()
    nodes.end_all()


@pytest.fixture
def open_notebook(
    jupyter: Jupyter, service: CrewsService, new_page: Callable[..., Page]
) -> Callable[..., Page]:
    def start(*cells: str, **terms: Any) -> Page:
        write(jupyter.workspace / "inversion.ipynb", cells)
        jupyter.start(variables=service.environment, **terms)
        page = new_page()
        page.goto(f"{jupyter.url}/lab/tree/inversion.ipynb")
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        expect(page.locator("#jp-bottom-panel")).to_contain_text("Idle", timeout=150_000)
        return page

    return start


def write(path: Path, cells: tuple[str, ...]) -> None:
    code = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "cells": [{**code, "id": f"cell{i}", "source": cell} for i, cell in enumerate(cells)],
        "metadata": {"kernelspec": spec},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook))


def run(page: Page, cell: int) -> None:
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(cell).click()
    page.keyboard.press("Control+Enter")


def test_workers_show_themselves_scale_and_stop(
    open_notebook: Callable[..., Page], service: CrewsService, shoot: Callable[[Page, str], None]
) -> None:
    service.held = True
    page = open_notebook(CODE)
    run(page, 0)
    panel = page.locator(".jp-OutputArea-output").first
    pending = "2 asked for, 0 connected, 2 pending (Waits for free nodes)"
    expect(panel).to_contain_text(pending, timeout=150_000)
    service.say("some", "101_0", expected_start=1893456000)
    expect(panel).to_contain_text("expected at Tue 01 Jan")
    shoot(page, "workers pending")
    service.run_nodes("some")
    expect(panel).to_contain_text("2 asked for, 2 connected", timeout=150_000)
    service.held = False
    panel.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    expect(panel).to_contain_text("4 asked for, 4 connected", timeout=150_000)
    shoot(page, "workers connected")
    with page.context.expect_page() as opened:
        panel.get_by_role("link", name="Dashboard").click()
    # What is drawn has come over the page's socket.
    expect(opened.value.locator("canvas").first).to_be_visible(timeout=150_000)
    shoot(opened.value, "dashboard")
    panel.get_by_role("button", name="Stop").click()
    expect(panel).to_contain_text("closed", timeout=60_000)
    assert service.closed == [("some", "closed")]


def test_what_runs_on_workers_is_use_of_the_server(
    open_notebook: Callable[..., Page], jupyter: Jupyter, service: CrewsService
) -> None:
    page = open_notebook(CODE, WHAT_RUNS, idle_minutes=0.4)
    run(page, 0)
    panel = page.locator(".jp-OutputArea-output").first
    expect(panel).to_contain_text("2 connected", timeout=150_000)
    run(page, 1)
    # The kernel is idle now, and its future is not.
    page.wait_for_timeout(30_000)
    assert jupyter.process is not None
    assert jupyter.process.poll() is None


def test_a_dashboard_is_there_only_for_who_may_use_the_server(
    jupyter: Jupyter, service: CrewsService
) -> None:
    jupyter.token = "secret-of-the-owner"
    jupyter.start(variables=service.environment)
    path = "hpcbinder/workers/some/dashboard/status"
    assert jupyter.status(path) == 404
    with urllib.request.urlopen(f"{jupyter.url}/{path}", timeout=20) as answer:
        assert "/login?" in answer.url


def test_dasks_own_panel_makes_lists_scales_and_stops_them(
    jupyter: Jupyter, service: CrewsService
) -> None:
    jupyter.start(variables=service.environment)
    made = jupyter.ask("dask/clusters/", {}, method="PUT")
    assert made["scheduler_address"].startswith("tls://")
    own = f"dask/clusters/{made['id']}"
    jupyter.ask(own, {"workers": 2}, method="PATCH")
    until(lambda: [one["workers"] for one in jupyter.ask("dask/clusters/")] == [2])
    (crew,) = service.crews.values()
    assert made["dashboard_link"] == f"/hpcbinder/workers/{crew['name']}/dashboard/status"
    assert crew["submissions"] == 1
    jupyter.ask(own, method="DELETE")
    assert [why for _, why in service.closed] == ["closed"]
