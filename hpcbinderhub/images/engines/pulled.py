"""What the engines share that keep images of their own and pull them from a registry."""

from __future__ import annotations

from typing import ClassVar

from ...errors import UserError
from ...site import Site
from ...slurm.cluster import Cluster
from .base import Engine, Takes


def reference(registry: str, artefact: str) -> str:
    """Where an artefact's image is in the site's registry: a repository of the site's, in which
    every image has its artefact's digest as its tag."""
    if not registry:
        raise UserError(
            "This profile's engine pulls its images from a registry, and the site has none.",
            "Choose a profile with another engine, or tell your facility: `c.Site.image_registry`.",
            status=503,
        )
    return f"{registry.rstrip('/')}:{artefact}"


def pulls(engine: type[Engine], site: Site) -> bool:
    """Whether an engine gets its images from the site's registry."""
    importer = engine.takes is Takes.IMPORTED and site.shifter_gateway
    return engine.takes is not Takes.FILE and not importer


class PulledEngine(Engine):
    """An engine with a set of images for each user, which she pulls.

    Whoever reaches the registry can pull, so nothing that is one reader's alone goes this way.
    """

    takes: ClassVar[Takes] = Takes.PULLED
    keeps_apart: ClassVar[bool] = False
    has_modules: ClassVar[bool] = True

    def __init__(self, site: Site, cluster: Cluster):
        self._site = site
        self._cluster = cluster

    async def ensure(self, user: str, artefact: str, reader: int | None) -> str:
        """The image's reference, once it is among hers."""
        image = reference(self._site.image_registry, artefact)
        if not await self._cluster.image_lookup(user, self.name, image):
            said = await self._cluster.image_pull(user, self.name, image)
            if not await self._cluster.image_lookup(user, self.name, image):
                raise not_pulled(self.name, said)
        return image

    async def remove(self, user: str, artefact: str) -> None:
        """From among hers."""
        if self._site.image_registry:
            image = reference(self._site.image_registry, artefact)
            await self._cluster.image_remove(user, self.name, image)


def not_pulled(engine: str, said: str) -> UserError:
    """The look-up after a pull found nothing, whatever the pull's exit code was."""
    return UserError(
        f"{engine.capitalize()} could not pull the image.",
        "Launch again in some minutes; if it goes on, show these words to your help desk.",
        detail=said,
        status=503,
    )
