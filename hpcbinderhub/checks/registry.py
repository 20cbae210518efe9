"""The site's registry for engines that pull: whether the service may put an image there."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from ..errors import UserError
from ..images.registry.client import Descriptor
from ..images.registry.publish import Door
from ..site import Site
from .finding import Finding, Outcome, failed, ok, skipped, warning
from .ground import Ground
from .tls import certificate

BLOB = b"hpcbinderhub check\n"
"""What is pushed: the same few bytes each time, so that no registry fills with them."""


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    site = ground.site
    if not site.image_registry:
        yield skipped("c.Site.image_registry", "It is not set: no image is put into a registry.")
        return
    host = site.image_registry.partition("/")[0]
    if site.image_registry_plain_http:
        yield warning(
            "TLS",
            f"{host} is spoken to without TLS: who is on the way can exchange images.",
            "Give it TLS, and remove c.Site.image_registry_plain_http, unless it is on this host.",
        )
    else:
        setting = "c.Site.image_registry_ca_file"
        found = await certificate("TLS", f"https://{host}", site.image_registry_ca_file, setting)
        yield found
        if found.outcome is Outcome.FAILED:
            return
    yield await asyncio.to_thread(_pushed, site)


def _pushed(site: Site) -> Finding:
    door = Door(
        repository=site.image_registry,
        auth_file=site.image_registry_auth_file,
        ca_file=site.image_registry_ca_file,
        plain_http=site.image_registry_plain_http,
    )
    blob = Descriptor(f"sha256:{hashlib.sha256(BLOB).hexdigest()}", len(BLOB))
    try:
        where = door.at("check")
        with tempfile.NamedTemporaryFile() as file:
            file.write(BLOB)
            file.flush()
            door.open().put_blob(where.repository, blob, Path(file.name))
    except (UserError, OSError) as error:
        return failed(
            "push",
            f"Nothing can be put into {site.image_registry}: {error}",
            "Look at the login in c.Site.image_registry_auth_file, and at what it may write to.",
        )
    return ok("push", f"The service may put images into {site.image_registry}.")
