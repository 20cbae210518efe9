"""An extension of the Jupyter server: the launch's keys are in memory before it answers anybody,
and in no file any more.

Tornado reads the files anew for each connection, unless it is given what they make.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .claim import Tls

FILES = {name: f"server-{name}.pem" for name in Tls._fields}
"""What the start command calls them, in the launch's directory. The hub's side has the same names
in `slurm/script.py` and `slurm/agent/launches.py`."""

OPTIONS = {"certfile": "certificate", "keyfile": "key", "ca_certs": "client"}
"""Which of Tornado's options says where each is."""


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "hpcbinder.keys"}]


def _load_jupyter_server_extension(server: Any) -> None:
    # What listens is made after all extensions, some of which let the loop run meanwhile, as
    # JupyterHub's does; and it is bound in a turn of the loop after that.
    make = server.init_httpserver

    def make_and_take() -> None:
        make()
        take(server)

    server.init_httpserver = make_and_take


def take(server: Any) -> None:
    """Read the keys, and remove the files. Whatever goes wrong, the server goes on with them."""
    listener = server.http_server
    options = listener.ssl_options
    if not isinstance(options, dict) or not are_the_launchs(options):
        return
    try:
        from tornado.netutil import ssl_options_to_context

        listener.ssl_options = ssl_options_to_context(options, server_side=True)
        for option in OPTIONS:
            Path(options[option]).unlink()
    except Exception:
        server.log.exception("hpcbinder: the launch's keys stay in their files.")


def are_the_launchs(options: dict[str, Any]) -> bool:
    """Whether these are what the start command wrote, and no file that somebody else needs."""
    paths = [Path(str(options.get(option, ""))) for option in OPTIONS]
    names = [FILES[name] for name in OPTIONS.values()]
    return [path.name for path in paths] == names and len({path.parent for path in paths}) == 1
