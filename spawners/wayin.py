"""The hub's own end of the way to one server: what the proxy is told to speak to."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from hpcbinderhub.hop.forwarder import Forwarder
from hpcbinderhub.hop.routes import Target

from .facility import Facility
from .record import JobRecord


class WayIn:
    """Opened when the server has said where it listens, closed when it is forgotten."""

    def __init__(self) -> None:
        self.port = 0
        self._forwarder: Forwarder | None = None
        self._opening = asyncio.Lock()

    async def open(self, facility: Facility, user: str, record: JobRecord) -> str:
        """The address for the proxy, on the port that it had before if that is free."""
        async with self._opening:
            address = facility.site.hop_address
            if self._forwarder is None:
                server = urlsplit(record.url)
                assert server.hostname
                assert server.port
                target = Target(user, server.hostname, server.port)
                forwarder = Forwarder(facility.route, target, record.hop)
                self.port = await forwarder.listen(address, record.hop_port)
                self._forwarder = forwarder
        return f"http://{address}:{self.port}"

    async def answers(self) -> bool:
        """Whether the server is there, and has proved to be the one."""
        return bool(self._forwarder and await self._forwarder.answers())

    def close(self) -> None:
        """Nothing gets through any more."""
        if self._forwarder:
            self._forwarder.close()
        self._forwarder = None
