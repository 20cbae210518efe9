"""The hub at its public address, as a browser or a job on this host would meet it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from ..site import Site
from .finding import Finding, Outcome, failed, ok, warning
from .ground import Ground
from .tls import certificate

SECONDS = 10


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    site = ground.site
    if urlsplit(site.public_url).scheme == "https":
        found = await certificate("certificate", site.public_url, site.ca_file, "c.Site.ca_file")
        yield found
        if found.outcome is Outcome.FAILED:
            return
    hub = await _hub(site)
    yield hub
    if hub.outcome is Outcome.OK:
        for finding in await _service(site):
            yield finding


async def _hub(site: Site) -> Finding:
    try:
        version = json.loads(await _fetch(site, "hub/api/")).get("version", "?")
    except (HTTPClientError, OSError, ValueError) as error:
        return failed(
            "hub",
            f"JupyterHub does not answer at {site.public_url}hub/api/: {error}",
            "Start it, and see that its proxy and the web server before it lead there.",
        )
    return ok("hub", f"JupyterHub {version} answers at {site.public_url}.")


async def _service(site: Site) -> list[Finding]:
    """What the service says of itself, row by row."""
    try:
        table: dict[str, Any] = json.loads(await _fetch(site, "services/binder/health"))
        return [_row(row) for row in table["checks"]]
    except (HTTPClientError, OSError, ValueError, KeyError) as error:
        return [
            failed(
                "service",
                f"The service does not answer at {site.public_url}services/binder/: {error}",
                "Look into the hub's log: JupyterHub starts the service with itself.",
            )
        ]


def _row(row: dict[str, Any]) -> Finding:
    what = f"service: {row['service']}"
    if row["ok"]:
        return ok(what, "The service says that it is well.")
    make = warning if row.get("_ignore_failure") else failed
    return make(
        what,
        f"The service says: {row.get('message', 'it is not well')}",
        "The service's log, in the hub's, has more.",
    )


async def _fetch(site: Site, path: str) -> bytes:
    """A page of ours; /health is also to be read when it says 503."""
    request = HTTPRequest(
        site.public_url + path, request_timeout=SECONDS, ca_certs=site.ca_file or None
    )
    answer = await AsyncHTTPClient().fetch(request, raise_error=False)
    if answer.code not in (200, 503):
        answer.rethrow()
    return answer.body
