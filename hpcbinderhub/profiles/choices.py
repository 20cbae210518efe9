"""What a user may choose under a profile: one closed model for the form, a link, REST, and a start
request that somebody writes by hand."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
"""A name that Slurm, a URL and a file system all take as it is; it never starts with a dash."""


class Choices(BaseModel):
    """What was chosen; None leaves it to the profile. A profile offers names, and what Slurm is
    told for each is the admin's, so nothing of a user's is read by Slurm but these names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Name | None = Field(default=None, description="The Slurm account to charge.")
    minutes: int | None = Field(default=None, ge=1, le=100_000, description="Wall time.")
    nodes: int | None = Field(default=None, ge=1, le=10_000, description="Nodes.")
    cpus: int | None = Field(default=None, ge=1, le=100_000, description="CPUs of each node.")
    memory_mb: int | None = Field(
        default=None, ge=1, le=1_000_000_000, description="Memory of each node, in MiB."
    )
    gpus: int | None = Field(default=None, ge=0, le=10_000, description="GPUs of each node.")
    gpu_type: Name | None = Field(default=None, description="A kind of GPU that it offers.")
    partition: Name | None = Field(default=None, description="A partition that it offers.")
    qos: Name | None = Field(default=None, description="A QOS that it offers.")
    constraint: Name | None = Field(default=None, description="A kind of node that it offers.")
    reservation: Name | None = Field(default=None, description="A reservation that it offers.")

    def choices(self) -> Choices:
        """The choices alone, of a model that has more."""
        return Choices(**{name: getattr(self, name) for name in Choices.model_fields})
