"""Inside each Jupyter server: a body that costs nothing to make, from a handler like any other."""

from __future__ import annotations

from functools import cache
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web


@cache
def body(nbytes: int) -> bytes:
    """Nothing that compresses to nothing is measured here, so zeros do."""
    return bytes(nbytes)


class Constant(APIHandler):
    """`GET floor?bytes=N`."""

    @web.authenticated
    def get(self) -> None:
        """Answer as servers of slices do: bytes of a known length."""
        self.set_header("Content-Type", "application/octet-stream")
        # APIHandler.finish would say that this is JSON.
        super(APIHandler, self).finish(body(int(self.get_query_argument("bytes"))))


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "floor"}]


def _load_jupyter_server_extension(app: Any) -> None:
    app.web_app.add_handlers(
        ".*$", [(url_path_join(app.web_app.settings["base_url"], "floor"), Constant)]
    )
