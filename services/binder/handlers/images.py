"""Environments that are ready."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ..models import ImageModel
from ..operations import operation
from .base import BUILD_SCOPE, UserHandler


class ImagesQuery(BaseModel):
    """The query of GET /api/images."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    limit: int = Field(default=100, ge=1, le=1000)


class ImagesHandler(UserHandler):
    """GET: images."""

    @operation(
        "List images, the newest first",
        scope=BUILD_SCOPE,
        query=ImagesQuery,
        answers={200: list[ImageModel]},
    )
    async def get(self) -> None:
        """With what each costs, and how often and when last it was launched."""
        self.require(BUILD_SCOPE)
        limit = self.query(ImagesQuery).limit
        images = await self.services.queue.images(limit, seen_by=self.sees)
        self.answer([ImageModel.of(image) for image in images])
