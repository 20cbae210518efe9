"""Which hosts repositories may come from.

A user's address must not lead the service to what only the service can reach: its own host, the
cluster's inside, a cloud's metadata. So a name is resolved here, every address that it has is
looked at, and the connection goes to those very addresses; a redirect is looked at like the first.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.netutil import Resolver

from ..errors import NotAllowed, UserError
from .spec import checked_url

MAX_REDIRECTS = 5
PROBE_SECONDS = 20
PROBE = "/info/refs?service=git-upload-pack"
"""What Git asks first; a server that has moved says so here."""

_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is public."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Way:
    """An address that may be used, and where its host is."""

    url: str
    pin: str
    """`HOST:PORT:ADDRESS,…` for curl, which then resolves nothing by itself; empty where a proxy
    does the resolving."""
    proxy: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """The proxy as Git takes it: from its environment, since others may read its arguments."""
        return {f"{urlsplit(self.url).scheme}_proxy": self.proxy} if self.proxy else {}


class Guard:
    """Looks at every address before anything connects to it."""

    def __init__(
        self,
        allowed: Sequence[str] = ("*",),
        denied: Sequence[str] = (),
        private: Sequence[str] = (),
        resolve: Resolve = resolve,
    ):
        self._allowed = [pattern.lower() for pattern in allowed]
        self._denied = [pattern.lower() for pattern in denied]
        self._private = [ipaddress.ip_network(network) for network in private]
        self._resolve = resolve

    async def way_to(self, url: str) -> Way:
        """The address where the repository is by now, and where its host is."""
        for _ in range(MAX_REDIRECTS):
            way = await self.look(url)
            moved = await self._moved(way) if way.pin else None
            if moved is None:
                return way
            url = moved
        raise UserError(f"{url} redirects without end.", "Paste the address that it leads to.")

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, all of which may be connected to."""
        self.check_host(host)
        try:
            found = await self._resolve(host, port)
        except OSError as error:
            raise UserError(
                f"{host} cannot be reached from here.",
                "Check the address; if it is right, the site's network may not allow it.",
                detail=str(error),
            ) from error
        for address in found:
            self._check_address(host, ipaddress.ip_address(address.partition("%")[0]))
        return found

    async def look(self, url: str) -> Way:
        """The address itself, wherever it leads from there."""
        host, port = _host_and_port(url)
        proxy = _proxy_for(url)
        if proxy:
            # The proxy resolves and connects, and is the one to be told what is inside.
            self.check_host(host)
            return Way(url, "", proxy)
        found = await self.addresses(host, port)
        listed = ",".join(f"[{address}]" if ":" in address else address for address in found)
        return Way(url, f"{host}:{port}:{listed}")

    def check_host(self, host: str) -> None:
        """Refuse a host that the site does not name; nothing is asked for it."""

        def among(patterns: Sequence[str]) -> bool:
            return any(fnmatchcase(host.lower(), pattern) for pattern in patterns)

        if among(self._denied) or not among(self._allowed):
            raise NotAllowed(
                f"This site takes no repositories from {host}.",
                "Copy the repository to a host that it takes, or ask your help desk.",
            )

    def _check_address(self, host: str, address: Any) -> None:
        meant = _meant_by(address)
        inside = any(
            meant in network for network in self._private if network.version == meant.version
        )
        if not _is_public(meant) and not inside:
            raise NotAllowed(
                f"{host} is inside a network from which this site takes no repositories.",
                "Use a public address, or ask your help desk to allow this one.",
            )

    async def _moved(self, way: Way) -> str | None:
        """Where the server sends us, if it does. Anything else is for Git to say."""
        request = HTTPRequest(
            way.url + PROBE,
            follow_redirects=False,
            request_timeout=PROBE_SECONDS,
            connect_timeout=PROBE_SECONDS,
            decompress_response=False,
            ca_certs=os.environ.get("SSL_CERT_FILE"),
            # With this, a server answers what it can do, and not with all its refs.
            headers={"User-Agent": "git/2", "Accept": "*/*", "Git-Protocol": "version=2"},
            streaming_callback=_forget,
        )
        client = AsyncHTTPClient(force_instance=True, resolver=Pinned(way))
        try:
            await client.fetch(request)
        except HTTPClientError as error:
            target = error.response.headers.get("Location") if error.response else None
            if error.code in (301, 302, 303, 307, 308) and target:
                base = urljoin(way.url + PROBE, target).partition("/info/refs")[0]
                return checked_url(base)
        except OSError:
            pass
        finally:
            client.close()
        return None


class Pinned(Resolver):
    """Gives the addresses that were looked at, and no others."""

    def initialize(self, way: Way) -> None:
        """For one host."""
        listed = way.pin.split(":", 2)[2]
        self._addresses = [address.strip("[]") for address in listed.split(",")]

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Any]]:
        """See Tornado."""
        return [
            (socket.AF_INET6, (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, (address, port))
            for address in self._addresses
        ]


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _meant_by(address: Any) -> Any:
    """Where a gateway or this host's own kernel goes for an address that has another in it."""
    if address.version == 4:
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: Any) -> bool:
    known = address.version == 4 or address in _UNICAST
    return bool(known and address.is_global and not address.is_multicast)


def _proxy_for(url: str) -> str:
    """The site's proxy for an address. A host that the site reaches without one is looked at like
    any other."""
    parts, proxies = urlsplit(url), getproxies()
    if proxy_bypass(parts.hostname or "", proxies):
        return ""
    return proxies.get(parts.scheme, "")


def _forget(_chunk: bytes) -> None:
    """What the server lists is Git's to read."""
