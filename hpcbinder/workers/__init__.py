"""Dask workers on other nodes of the cluster, from one line in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import WorkersError as WorkersError
    from .workers import Workers as Workers


def __getattr__(name: str) -> Any:
    """Dask is imported by whoever uses it, and not by what merely reads this package."""
    if name == "Workers":
        from .workers import Workers

        return Workers
    if name == "WorkersError":
        from .errors import WorkersError

        return WorkersError
    raise AttributeError(name)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "hpcbinder.workers"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Whatever goes wrong here, the server starts."""
    try:
        from .jupyter import load

        load(server)
    except Exception:
        server.log.exception("hpcbinder: the dashboards of workers are not shown.")
