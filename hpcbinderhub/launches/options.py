"""What a launch may ask of the spawner: a closed, typed model, and the only way in.

The launch page, the REST body and the service all end here, and whoever writes a start request by
hand ends here too. There is no field that becomes shell text, a Slurm option of the user's choice,
or a path outside the artefact store.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from ..errors import UserError
from ..profiles import Choices, Name
from ..trust.reach import Reach
from .run import Run

LaunchId = Annotated[str, StringConstraints(pattern=r"^[0-9a-z]{8,32}$")]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=2000)]
"""Free text of one line: shown, or put into an environment variable, and nothing else."""


class Existing(StrEnum):
    """What becomes of a workspace that is there already, at another commit than is launched."""

    KEEP = "keep"
    """It is opened as it is."""

    UPDATE = "update"
    """It is fast-forwarded, if that loses nothing; else it is opened as it is."""

    BESIDE = "beside"
    """It stays alone: the launch gets another one."""


class LaunchOptions(Choices):
    """One user starting one commit under one profile."""

    launch: LaunchId = Field(description="The launch record's id; a job carries it in its name.")
    profile: Name
    artefact: Digest = Field(description="SHA-256 of the artefact in the site's store.")
    private: bool = Field(default=False, description="Whether the artefact is the user's alone.")
    reach: Reach = Field(
        default=Reach.CLOSED, description="What the container shows of the user's own files."
    )
    repo_url: Line
    ref: Line
    commit: Commit
    spec: Line = Field(description="Provider and spec as typed, for the link that shares it.")
    workspace: Slug
    existing: Existing = Field(
        default=Existing.KEEP, description="What becomes of the workspace if it is there already."
    )
    origin: Digest | Literal[""] = Field(
        default="", description="The service's word that the artefact is the repository's."
    )
    open: Line = Field(
        default="",
        description="The file that JupyterLab shows first, or what else of the server opens: an "
        "address that begins with a slash.",
    )
    run: Run | None = Field(
        default=None, description="What the server runs by itself; it ends when that is over."
    )


def parse_options(raw: object) -> LaunchOptions:
    """The options in a start request, or a sentence about the first thing wrong with them."""
    try:
        return LaunchOptions.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the request"
        raise UserError(
            f"This server cannot be started: {field}: {first['msg']}.",
            "Start servers from the launch page, where a repository is chosen.",
        ) from error
