"""Where viewers that were made for other servers ask: `/h5grove/…/` and `/hdf/…/FILE`."""

from __future__ import annotations

import json

from jupyter_server.auth.decorator import authorized
from tornado import web

from ..errors import Refusal
from ..process.asked import Request
from .handlers import SlicerHandler
from .operation import must_be_plain

H5GROVE = ("attr", "meta", "paths", "stats", "data")
HDF = ("attrs", "contents", "data", "meta", "snippet")


class PeerHandler(SlicerHandler):
    """Most of what parameters may be is other projects' own business, and looked at by `peers/`."""

    async def ask(self, peer: str, endpoint: str, file: str) -> None:
        """The reading process, for one of a peer's endpoints."""
        if not file:
            raise Refusal(400, "The file is missing.", "Name it.", "parameter")
        for name in self.request.query_arguments:
            for value in self.all_of(name):
                must_be_plain(name, value)
        keys = json.dumps(self.all_of("attr_keys"))
        arguments = {**self.first_arguments(), "attr_keys": keys, **self.condition()}
        arguments.update(endpoint=endpoint, file=file)
        await self.pass_on(Request(peer, arguments, compress=self.reads_gzip()))


class H5groveHandler(PeerHandler):
    """GET: what h5web's viewers ask."""

    @web.authenticated
    @authorized
    async def get(self, endpoint: str) -> None:
        """The file is a parameter."""
        await self.finish_with(self._answered(endpoint))

    async def _answered(self, endpoint: str) -> None:
        await self.ask("h5grove", endpoint, self.first_arguments().get("file", ""))


class HdfHandler(PeerHandler):
    """GET: what jupyterlab-hdf5's viewers ask."""

    @web.authenticated
    @authorized
    async def get(self, endpoint: str, file: str) -> None:
        """The file is the rest of the address."""
        await self.finish_with(self.ask("hdf", endpoint, file))
