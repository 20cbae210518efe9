"""What the API answers about workspaces."""

from __future__ import annotations

from pydantic import Field

from hpcbinderhub.launches.options import Existing
from hpcbinderhub.launches.workspaces import Opening, Workspace
from hpcbinderhub.slurm.folders import Room

from .models import Model


class WorkspaceModel(Model):
    """A user's clone of a repository, on the cluster's storage."""

    name: str
    path: str
    repo_url: str | None = Field(description="Where it was cloned from, as it says itself.")
    branch: str | None = Field(description="Empty if a commit is checked out and no branch.")
    commit: str | None
    changes: int | None = Field(
        description="Files that are changed or in no commit; nothing if Git could not tell in time."
    )
    unshared: int | None = Field(description="Commits that are nowhere else, as far as is known.")
    size: int | None = Field(description="Bytes; at least so many if `whole` is not set.")
    whole: bool
    last_used: float
    launch: str | None = Field(description="The newest launch whose server worked in it.")
    server: str | None = Field(description="The server that works in it now.")
    purge: float | None = Field(
        description="When the site may begin to remove what lies there, if nobody uses it."
    )
    purge_soon: bool

    @classmethod
    def of(cls, workspace: Workspace) -> WorkspaceModel:
        """A workspace of the library's."""
        return cls(**{name: getattr(workspace, name) for name in cls.model_fields})


class StorageModel(Model):
    """The storage that workspaces are on."""

    used: int = Field(description="Bytes.")
    limit: int
    personal: bool = Field(description="The user's own quota; else that of the file system.")
    nearly_full: bool

    @classmethod
    def of(cls, room: Room) -> StorageModel:
        """Storage of the library's."""
        return cls(**{name: getattr(room, name) for name in cls.model_fields})


class WorkspacesModel(Model):
    """A user's workspaces, the last used first."""

    workspaces: list[WorkspaceModel]
    storage: StorageModel | None


class OpeningModel(Model):
    """What a launch would find in its workspace."""

    choices: list[Existing] = Field(
        description="What may become of it, for a launch's `existing`; none if nothing is to ask."
    )
    name: str | None = Field(description="The workspace, if there is something to ask.")
    branch: str | None
    commit: str | None = Field(description="Where it is.")
    changes: int | None
    wanted: str | None = Field(description="The commit that would be launched.")

    @classmethod
    def of(cls, opening: Opening) -> OpeningModel:
        """The library's."""
        told = ("name", "branch", "commit", "changes")
        there = {name: getattr(opening.workspace, name, None) for name in told}
        return cls(choices=list(opening.choices), wanted=opening.commit, **there)
