"""From a double-click to the first coarse picture, on a server where nobody opened anything yet."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from . import servers
from .connection import Connection
from .cubes import DATASET, DOMAIN, Stored
from .ways import Drag

ROUNDS = 5
COARSE_PIXELS = 128
"""The first picture has about so many rows and columns."""


def first_picture_ms(python: Path, data: Stored) -> float:
    """The median of servers that were started each for one double-click."""
    return 1000 * median(_opened(python, data) for _ in range(ROUNDS))


def _opened(python: Path, data: Stored) -> float:
    """What the panel asks, one after the other: what is in the file, and a plane."""
    file = {"file": data.path.name}
    rows, columns = data.shape[1:]
    plane = file | {"path": DATASET, "rows": 1, "columns": 2, "at": f"{data.shape[0] // 2},0,0"}
    plane |= {"step": max(1, max(rows, columns) // COARSE_PIXELS), "bits": 8}
    with (
        servers.jupyter(python, data.path.parent, servers.OURS) as server,
        Connection(server.port) as connection,
    ):
        # As a page of JupyterLab does when it is loaded, before anybody can click in it.
        connection.get(f"{Drag.room}/limits")
        begun = time.perf_counter()
        for operation, asked in (
            ("node", {"path": "/"}),
            ("children", {"path": "/"}),
            ("node", {"path": DATASET}),
            ("axes", {"path": DATASET}),
        ):
            connection.get(f"{Drag.room}/{operation}", file | asked)
        connection.get(f"{Drag.room}/plane", plane | {"domain": ",".join(map(str, DOMAIN))})
        return time.perf_counter() - begun
