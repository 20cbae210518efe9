"""Shifter's gateway: whether an image gets there and is found, as a launch needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from ..errors import Unavailable, UserError
from ..images.engines import engine_named
from .errands import newest
from .finding import Finding, failed, ok, skipped, warning
from .ground import Ground

IMPORTING = (
    "Look at the gateway's log. It has to list {importer} in ImportUsers, share munge's key with "
    "the login nodes, have `fasthash` on its PATH and see {store}; c.Site.shifter_gateway and "
    "c.Site.shifter_system have to be its address and its platform's name."
)
PULLING = (
    "Look at the gateway's log: it has to reach c.Site.image_registry, which is one of its "
    "Locations. It repeats a failure for five minutes without trying again."
)


def why_not(ground: Ground) -> str:
    """Whether any profile needs it."""
    engines = {profile.engine for profile in ground.site.profiles}
    return "" if "shifter" in engines else "No profile is for Shifter."


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module. What is taken in is an image of the store, under the name that a launch gives
    it: nothing is left that a launch would not leave."""
    site = ground.site
    what = "c.Site.shifter_gateway" if site.shifter_gateway else "c.Site.image_registry"
    if not ground.user:
        yield skipped(what, "Nothing was asked of the gateway: say as whom, with --user NAME.")
        return
    image = await asyncio.to_thread(newest, Path(site.artefacts))
    if not image:
        yield warning(
            what,
            "The artefact store holds no image yet that everybody may run, so none was taken in.",
            "Launch a public repository, and check once more.",
        )
        return
    artefact = Path(image).stem
    try:
        engine = engine_named("shifter", site, ground.reach(site))
        found = await engine.ensure(ground.user, artefact, None)
    except (UserError, Unavailable) as error:
        words = " ".join(filter(None, (str(error), getattr(error, "detail", ""))))
        advice = IMPORTING if site.shifter_gateway else PULLING
        importer = site.shifter_gateway_user
        yield failed(what, words, advice.format(importer=importer, store=site.artefacts))
    else:
        yield ok(what, f"The gateway has image {artefact[:12]}, and gives {ground.user} {found}.")
