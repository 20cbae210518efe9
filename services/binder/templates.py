"""Our pages, in JupyterHub's own frame: its `page.html`, its Bootstrap, its light and dark."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from jupyterhub._data import DATA_FILES_PATH


def template_environment() -> Environment:
    """Templates from where JupyterHub keeps its own; ours are installed beside them."""
    return Environment(
        loader=FileSystemLoader(Path(DATA_FILES_PATH) / "templates"),
        autoescape=True,
        enable_async=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
