"""The extension of the Jupyter server."""

from __future__ import annotations

import os
from typing import Any

from .config import Slicer
from .http.handlers import Served
from .http.routes import routes
from .process.client import Client


def load(server: Any) -> None:
    """Answer below `hpcbinder/slicer/`; nothing is started until somebody asks.

    Nothing is to be stopped with the server either: the reading process ends with it.
    """
    slicer = Slicer(parent=server)
    root = os.path.abspath(os.path.expanduser(_folder(server)))
    client = Client(slicer.settings(root), slicer.bounds(), server.log.warning)
    base_url = server.web_app.settings["base_url"]
    served = Served(client, base_url, slicer.stall_seconds)
    server.web_app.settings["hpcbinder_slicer"] = client
    server.web_app.add_handlers(".*$", routes(base_url, served))


def _folder(server: Any) -> str:
    """Where the paths of Jupyter's contents API begin."""
    return getattr(server.contents_manager, "root_dir", "") or server.root_dir
