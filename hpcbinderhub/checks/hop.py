"""The way from the proxy to a server: where the hub listens, how it gets to a node, and whether
that outlives the hub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from ..hop.routes import NoServer, Target, route_of
from .finding import Finding, failed, ok, warning
from .ground import Ground

SECONDS = 10
WAYS = {
    "direct": (
        "This host",
        "Let the hub's host connect to the nodes' ports from 1024 up: look at routes, at "
        "firewalls, and at whether it knows the nodes' names. Where there is no such way, set "
        "c.Site.hop = 'login'.",
    ),
    "login": (
        "The login node",
        "Let its sshd forward connections (AllowTcpForwarding, PermitOpen), and certificates too "
        "(hpcbinderhub-sign --permit-port-forwarding); look at firewalls between it and the nodes, "
        "and at whether it knows their names.",
    ),
}
"""Where the last part of each way begins, and what to do if that leads nowhere."""


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """What of it can be tried without a server."""
    address = ground.site.hop_address
    try:
        (await asyncio.start_server(lambda *_: None, address, 0)).close()
    except OSError as error:
        yield failed(
            "c.Site.hop_address",
            f"The hub cannot listen at {address}: {error.strerror or error}",
            "Set it to an address of this host's; 127.0.0.1 if the proxy runs here.",
        )
    else:
        yield ok("c.Site.hop_address", f"The hub can listen at {address}.")
    if not ground.setting("JupyterHub", "proxy_class"):
        yield _proxy(ground)


def _proxy(ground: Ground) -> Finding:
    """JupyterHub's usual proxy. Another one is told otherwise whether it is the hub's to start."""
    what = "c.ConfigurableHTTPProxy.should_start"
    if ground.setting("ConfigurableHTTPProxy", "should_start") is False:
        return ok(what, "The proxy is a program of its own, and outlives the hub.")
    return warning(
        what,
        "The hub starts its proxy, and ends it too: a restart of the hub breaks all open kernels "
        "and terminals.",
        "Run configurable-http-proxy by itself, and set c.ConfigurableHTTPProxy.should_start = "
        "False, its api_url and its auth_token (CONFIGPROXY_AUTH_TOKEN).",
    )


async def reached(ground: Ground, what: str, node: str, port: int) -> Finding:
    """Whether a server that listens there could be used, by the way that is configured."""
    start, advice = WAYS[ground.site.hop]
    route = route_of(ground.site, ground.reach(ground.site).transport)
    try:
        streams = await route.open(Target(ground.user, node, port))
    except NoServer as error:
        return failed(
            what,
            f"{start} does not reach port {port} of {node}, where something of the user's "
            f"listens: {error}",
            advice,
        )
    said = b""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(SECONDS):
            said = await streams.reader.read(100)
    streams.abort()
    if said != b"check\n":
        return failed(
            what,
            f"Something else answers at port {port} of {node} than what was started there.",
            "Look at the network between the hub and the nodes: a proxy may stand there.",
        )
    return ok(what, f"{start} reaches what listens on {node}.")
