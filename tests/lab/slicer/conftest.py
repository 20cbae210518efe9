"""JupyterLab with the slicer, and files to double-click."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import h5py
import numpy as np
import pytest
from lab_server import Jupyter
from playwright.sync_api import Locator, Page

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
# Last on the path, since the project's folders are not its packages.
sys.path.append(str(HERE.parents[2]))

from slicer_hands import choose, double_click, shows  # noqa: E402

CUBE = (96, 80, 64)
SURVEY = (64, 512, 512)


def cube() -> np.ndarray:
    """A value tells where it is: hundreds for x, and y and z below them."""
    x, y, z = np.indices(CUBE, dtype="f4")
    return np.asarray(100 * x + y + z / 100, dtype="f4")


@pytest.fixture
def model(jupyter: Jupyter) -> Path:
    """A file in the folder that JupyterLab shows."""
    path = jupyter.workspace / "model.h5"
    with h5py.File(path, "w") as file:
        options = {"chunks": (32, 32, 32), "compression": "gzip"}
        velocity = file.create_dataset("inversion/velocity", data=cube(), **options)
        velocity.attrs["units"] = "m/s"
        for name, length in zip("xyz", CUBE, strict=True):
            file[f"inversion/{name}"] = np.linspace(0, 10 * (length - 1), length)
    return path


@pytest.fixture
def lab(jupyter: Jupyter, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """`lab()`: a page of JupyterLab that has its files in front of it."""

    def start(scheme: str = "light", path: str = "lab") -> Page:
        if jupyter.process is None:
            jupyter.start_alone()
        page = new_page(scheme, 1400, 900)
        page.goto(f"{jupyter.url}/{path}")
        page.locator(".jp-DirListing-content").wait_for(timeout=120_000)
        return page

    return start


@pytest.fixture
def velocity(model: Path, lab: Callable[..., Page]) -> Callable[..., tuple[Page, Locator]]:
    """`velocity()`: a page, and the panel with the three-dimensional data set."""

    def start(scheme: str = "light") -> tuple[Page, Locator]:
        page = lab(scheme)
        panel = double_click(page, model.name)
        choose(panel, "inversion", "velocity")
        shows(panel, 48)
        return page, panel

    return start


@pytest.fixture
def kept(jupyter: Jupyter) -> Callable[[Page], dict[str, Any]]:
    """`kept(page)`: what JupyterLab has written down of the one panel, to open it again."""

    def ask(page: Page) -> dict[str, Any]:
        data = page.request.get(f"{jupyter.url}/lab/api/workspaces/default").json()["data"]
        panels = [one["data"] for name, one in data.items() if name.startswith("hpcbinder-slicer:")]
        return panels[0].get("picture", {}) if panels else {}

    return ask


@pytest.fixture
def survey(jupyter: Jupyter) -> Path:
    """As large as planes are that people slide through, with noise that does not compress."""
    path = jupyter.workspace / "survey.h5"
    noise = np.random.default_rng(3).standard_normal(SURVEY, dtype="f4")
    layers = 100 * np.sin(np.linspace(0, 20, SURVEY[2], dtype="f4"))
    depth = np.arange(SURVEY[0], dtype="f4").reshape(-1, 1, 1)
    options = {"chunks": (16, 64, 64), "compression": "gzip", "compression_opts": 1}
    with h5py.File(path, "w") as file:
        file.create_dataset("field", data=5 * noise + layers + depth, **options)
    return path


@pytest.fixture
def field(survey: Path, lab: Callable[..., Page]) -> tuple[Page, Locator]:
    """A page, and the panel with the survey."""
    state = {"file": survey.name, "path": "/field", "picture": {"at": [32, 0, 0]}}
    page = lab(path=f"lab?slicer={quote(json.dumps(state))}")
    panel = page.locator(".hps-panel")
    shows(panel, 32)
    return page, panel
