"""This host as one that builds: the builder's tools, storage and base image, and its fence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from ..builds.fence.policy import Fence, fence_here
from ..builds.storage import check_storage
from ..builds.workplace import base_settings, builder
from ..errors import UserError
from ..images.base import base_name
from ..images.source import hpcbinder_source
from ..site import Site
from .finding import Finding, failed, ok, warning
from .ground import Ground


def applies(ground: Ground) -> str:
    """Builders' own account tries this."""
    if ground.is_builder():
        return ""
    return (
        f"{ground.site.builder_dir} is not this account's. Where workers run, as their account: "
        "hpcbinderhub check --only builder"
    )


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    fence = await asyncio.to_thread(_fence, ground.site, ground.hpcbinder)
    yield ok("storage", f"{ground.site.builder_dir} and the base image in it can be used.")
    for sentence in fence.findings():
        # A weakness of the host is no failure while there is anybody for whom it builds.
        if " Why: " in sentence:
            yield warning("fence", sentence, "See docs/admin.md, “Builds are shut in”.")
        else:
            yield ok("fence", sentence)
    if not fence.builds:
        yield failed(
            "fence",
            "Every build would be refused on this host.",
            "Install what is missing, or name users in c.BuildPolicy.trusted_builders.",
        )


def _fence(site: Site, hpcbinder: str | None) -> Fence:
    tool = builder(site)
    check_storage(tool.storage)
    usual, *_others = base_settings(site, tool.storage)
    name = base_name(usual, hpcbinder_source(hpcbinder))
    if not tool.has(name):
        raise UserError(
            "The base image is not in this builder's storage, so nothing can be tried with it.",
            "Run `hpcbinderhub base-image` before.",
        )
    return fence_here(site, tool, name)
