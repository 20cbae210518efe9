"""Environments that are ready: what they cost, which stay, and all that a copy of one takes."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from hpcbinderhub.errors import NotAllowed, NotFound
from hpcbinderhub.images.store import artefact_file
from hpcbinderhub.store.catalogue import KnownImage

from ..models import ImageModel, StoreModel
from ..operations import operation
from .base import ADMIN_SCOPE, BUILD_SCOPE, UserHandler


class ImagesQuery(BaseModel):
    """The query of GET /api/images."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    limit: int = Field(default=100, ge=1, le=1000)
    mine: bool = Field(default=False, description="Those alone that you asked for or launched.")


class AnyImage(UserHandler):
    """A handler for images."""

    async def shown(self, *images: KnownImage) -> list[ImageModel]:
        """Images with their share of the store."""
        totals = await self.services.catalogue.totals()
        return [ImageModel.of(image, totals) for image in images]


class ImagesHandler(AnyImage):
    """GET: images."""

    @operation(
        "List images, the newest first",
        scope=BUILD_SCOPE,
        query=ImagesQuery,
        answers={200: list[ImageModel]},
    )
    async def get(self) -> None:
        """With what each costs, how often and when last it was launched, and whether it stays."""
        user = self.require(BUILD_SCOPE)
        query = self.query(ImagesQuery)
        images = await self.services.catalogue.newest(
            query.limit, seen_by=self.sees, used_by=user if query.mine else None
        )
        self.answer(await self.shown(*images))


class ImageHandler(AnyImage):
    """GET: one image. DELETE: remove it."""

    @operation("Show an image", scope=BUILD_SCOPE, answers={200: ImageModel})
    async def get(self, key: str) -> None:
        """By its key, or by enough of its beginning to tell it from all others."""
        self.require(BUILD_SCOPE)
        (shown,) = await self.shown(await self.services.catalogue.image(key, seen_by=self.sees))
        self.answer(shown)

    @operation("Remove an image", scope=ADMIN_SCOPE, answers={204: None})
    async def delete(self, key: str) -> None:
        """Unless it is pinned or in use. Nobody gets it any more, and a worker removes its file
        within a minute; whoever launches it next has it built again."""
        self.require(ADMIN_SCOPE)
        await self.services.catalogue.remove(key)
        self.set_status(204)


class PinHandler(AnyImage):
    """PUT: pin an image. DELETE: unpin it."""

    @operation("Pin an image", scope=ADMIN_SCOPE, answers={200: ImageModel})
    async def put(self, key: str) -> None:
        """It stays, whatever the limits, and when its recipe is built again, the new image does."""
        user = self.require(ADMIN_SCOPE)
        (shown,) = await self.shown(await self.services.catalogue.pin(key, user))
        self.answer(shown)

    @operation("Unpin an image", scope=ADMIN_SCOPE, answers={200: ImageModel})
    async def delete(self, key: str) -> None:
        """It goes when others like it do."""
        self.require(ADMIN_SCOPE)
        (shown,) = await self.shown(await self.services.catalogue.unpin(key))
        self.answer(shown)


class StoreHandler(UserHandler):
    """GET: the store as a whole."""

    @operation("Show what all images cost", scope=BUILD_SCOPE, answers={200: StoreModel})
    async def get(self) -> None:
        """And the site's limits."""
        self.require(BUILD_SCOPE)
        totals = await self.services.catalogue.totals()
        self.answer(StoreModel.of(totals, self.services.site))


class ArtefactHandler(UserHandler):
    """GET: an image's file."""

    @operation(
        "Fetch an image's file",
        scope=BUILD_SCOPE,
        answers={200: bytes},
        media_type="application/octet-stream",
    )
    async def get(self, key: str) -> None:
        """SquashFS. `hpcbinderhub images export` makes an OCI archive of it."""
        self.require(BUILD_SCOPE)
        image = await self.services.catalogue.image(key, seen_by=self.sees)
        if image.reader:
            raise NotAllowed(
                "The environment of a private repository does not leave the cluster from here.",
                f"{image.reader} alone can read its file there, in the artefact store.",
            )
        path = Path(artefact_file(self.services.site.artefacts, image.artefact))
        try:
            await self.send_files(path)
        except FileNotFoundError:
            raise NotFound("The file of this image is gone.", "Launch it again.") from None


class ImageContentHandler(UserHandler):
    """GET: the repository that an image was made of."""

    @operation(
        "Fetch the content of the commit that an image was built from",
        scope=BUILD_SCOPE,
        answers={200: bytes},
        media_type="application/octet-stream",
    )
    async def get(self, key: str) -> None:
        """A Git bundle with the commit and its history."""
        # Not even an admin reads what is private.
        user = self.require(BUILD_SCOPE)
        image = await self.services.catalogue.image(key, seen_by=user)
        await self.send_files(
            await self.services.content.bundle(
                image.repo_url, image.ref, image.commit, image.reader
            )
        )
