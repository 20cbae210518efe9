"""Server-sent events: what happens to files that are being written."""

from __future__ import annotations

import asyncio
import json

from jupyter_server.auth.decorator import authorized
from tornado import web

from ..errors import Refusal
from ..process.asked import Asked, Reply, Request
from .handlers import SlicerHandler
from .operations import GROWTH
from .sending import taken

BEAT_SECONDS = 15.0
"""Proxies close connections on which nothing comes."""
MOST_FOLLOWED = 64


class GrowthHandler(SlicerHandler):
    """GET: follows one data set or several."""

    # A page that follows is merely open.
    _track_activity = False

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """See `operations.py`."""
        await self.finish_with(self._followed())

    async def _followed(self) -> None:
        request = Request("growth", {"followed": json.dumps(self._pairs())}, follow=True)
        async with self.served.client.ask(request) as asked:
            self.set_header("Content-Type", "text/event-stream")
            self.set_header("X-Accel-Buffering", "no")
            reply = await self._next(asked)
            while reply is None or reply.status == 200:
                self.write(bytes(reply.body) if reply is not None else b": still here\n\n")
                await taken(self.flush(), self.served.stall_seconds)
                reply = await self._next(asked)
            await self._over(reply)

    async def _next(self, asked: Asked) -> Reply | None:
        """None if nothing happens for a while."""
        try:
            return await asyncio.wait_for(asked.reply(), BEAT_SECONDS)
        except asyncio.TimeoutError:
            return None
        except Refusal as refusal:
            # The reading process died: the browser connects anew, and another one answers.
            self.log.warning("hpcbinder.slicer: %s", refusal)
            return Reply(
                refusal.status, "", {}, bytearray(json.dumps(refusal.as_dict()).encode()), False
            )

    async def _over(self, reply: Reply) -> None:
        """A refusal as any before the first event, and then an event: the browser asks again."""
        if not self._headers_written:
            self.set_status(reply.status)
            self.finish(bytes(reply.body))
            return
        self.write(b"event: unreadable\ndata: " + bytes(reply.body) + b"\n\n")
        await self.finish(set_content_type="text/event-stream")

    def _pairs(self) -> list[tuple[str, str]]:
        files, paths = self.all_of("file"), self.all_of("path")
        paths += ["/"] * (len(files) - len(paths))
        if len(files) != len(paths) or not 0 < len(files) <= MOST_FOLLOWED:
            raise Refusal(
                400,
                f"From one to {MOST_FOLLOWED} files can be followed, each with one path.",
                "Give `file` and `path` in pairs.",
                "parameter",
            )
        for file, path in zip(files, paths):
            GROWTH.checked({"file": file, "path": path})
        return list(zip(files, paths))
