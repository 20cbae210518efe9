"""Workspaces, for their owners alone: listed, looked at before a launch, deleted."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ..operations import operation
from ..workspace_models import OpeningModel, StorageModel, WorkspaceModel, WorkspacesModel
from .base import LAUNCH_SCOPE, UserHandler
from .repository import RepositoryRequest


class DeleteQuery(BaseModel):
    """The query of DELETE /api/workspaces/{name}."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    force: bool = Field(default=False, description="Even if it holds work that is nowhere else.")


class WorkspacesHandler(UserHandler):
    """GET: the caller's workspaces."""

    @operation("List your workspaces", scope=LAUNCH_SCOPE, answers={200: WorkspacesModel})
    async def get(self) -> None:
        """As the cluster's login node sees them at this moment, which may take a while."""
        user = self.require(LAUNCH_SCOPE)
        workspaces, room = await self.services.workspaces.of_user(user)
        self.answer(
            WorkspacesModel(
                workspaces=[WorkspaceModel.of(one) for one in workspaces],
                storage=StorageModel.of(room) if room else None,
            )
        )


class WorkspaceHandler(UserHandler):
    """DELETE: one of the caller's workspaces."""

    @operation("Delete a workspace", scope=LAUNCH_SCOPE, query=DeleteQuery, answers={204: None})
    async def delete(self, workspace: str) -> None:
        """409 while a server works in it, and if it holds changes or commits that are nowhere else,
        as far as can be told; the latter is deleted all the same with `force`."""
        user = self.require(LAUNCH_SCOPE)
        force = self.query(DeleteQuery).force
        await self.services.workspaces.delete(user, workspace, force=force)
        self.set_status(204)


class OpeningHandler(UserHandler):
    """GET: what a launch would find in its workspace."""

    @operation(
        "Look at the workspace that a launch would open",
        scope=LAUNCH_SCOPE,
        query=RepositoryRequest,
        answers={200: OpeningModel},
    )
    async def get(self) -> None:
        """Starts nothing. Choices are there if the workspace is at another commit than would be
        launched: `keep` and `update` if it can be fast-forwarded, else `keep` and `beside`."""
        user = self.require(LAUNCH_SCOPE)
        pasted = self.query(RepositoryRequest).pasted()
        spec = (await self.services.repositories.settle(pasted, user)).spec
        self.answer(OpeningModel.of(await self.services.workspaces.opening(user, spec)))
