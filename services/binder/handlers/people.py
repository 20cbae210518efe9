"""Who uses what."""

from __future__ import annotations

import time

from pydantic import BaseModel, ConfigDict, Field

from hpcbinderhub.usage import use_since

from ..models import UseModel
from ..operations import operation
from .base import ADMIN_SCOPE, UserHandler

DAY = 86_400.0


class PeopleQuery(BaseModel):
    """The query of GET /api/people."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    days: float = Field(default=30, gt=0, le=3650, description="Within so many days.")


class PeopleHandler(UserHandler):
    """GET: users' use."""

    @operation(
        "Show what each user asked for",
        scope=ADMIN_SCOPE,
        query=PeopleQuery,
        answers={200: list[UseModel]},
    )
    async def get(self) -> None:
        """Launches, builds and builders' time; whoever launched most is first."""
        self.require(ADMIN_SCOPE)
        since = time.time() - self.query(PeopleQuery).days * DAY
        self.answer([UseModel.of(u) for u in await self.services.database.run(use_since, since)])
