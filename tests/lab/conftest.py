"""A real JupyterLab with this project's extension, installed from its wheel as images have it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.conftest import chromium, new_page, shoot

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from lab_server import Jupyter, install  # noqa: E402

__all__ = ["chromium", "new_page", "shoot"]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("environment"))


@pytest.fixture
def jupyter(environment: Path, tmp_path: Path) -> Iterator[Jupyter]:
    made = Jupyter(environment, tmp_path)
    yield made
    made.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("slow")
