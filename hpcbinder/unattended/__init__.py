"""A notebook from top to bottom, with parameters, without anybody at it: `hpcbinder run`, and the
server of a launch that was made for one.

`order.py` and `arguments.py` are read by the start command, too.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "hpcbinder.unattended"}]


def _load_jupyter_server_extension(server: Any) -> None:
    from .extension import load

    load(server)
