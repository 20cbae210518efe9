"""The session of a server: time left, saving before the end, and the end of what nobody uses.

`terms.py` is read by the start command, too; all else runs in the Jupyter server.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "hpcbinder.session"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Whatever goes wrong here, the server starts."""
    try:
        from .extension import load

        load(server)
    except Exception:
        server.log.exception("hpcbinder: the session's times are not watched.")
