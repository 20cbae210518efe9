"""Out through the site's HTTP proxy, which Tornado's own client does not know."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote, urlsplit

from tornado.iostream import IOStream
from tornado.tcpclient import TCPClient

_HEAD_BYTES = 16_384


class ThroughProxy(TCPClient):
    """Connects to hosts by asking a proxy for a tunnel to each."""

    def __init__(self, proxy: str):
        super().__init__()
        self._proxy = urlsplit(proxy if "//" in proxy else f"http://{proxy}")

    async def connect(self, host: str, port: int, *_: Any, **options: Any) -> IOStream:
        """See Tornado."""
        stream = await super().connect(self._proxy.hostname or "", self._proxy.port or 80)
        target = f"{host}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", *self._credentials(), "", ""]
        await stream.write("\r\n".join(lines).encode())
        head = await stream.read_until(b"\r\n\r\n", max_bytes=_HEAD_BYTES)
        status = head.partition(b"\r\n")[0].decode("latin-1")
        if status.split()[1:2] != ["200"]:
            stream.close()
            raise OSError(f"the proxy said: {status}")
        tls = options.get("ssl_options")
        return stream if tls is None else await stream.start_tls(False, tls, server_hostname=host)

    def _credentials(self) -> list[str]:
        if not self._proxy.username:
            return []
        pair = f"{unquote(self._proxy.username)}:{unquote(self._proxy.password or '')}"
        return [f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}"]
