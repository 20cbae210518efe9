"""The further parts of a heterogeneous job, beside the one in which the server runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from .choices import Name
from .extra import ExtraOptions
from .offers import SlurmWord

License = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_.@/:-]*$")]
"""A licence of Slurm's, with a number: `matlab:1`, `ansys@server:2`."""


class Component(BaseModel):
    """One more component: other nodes, at the same time, for what the user starts from her server.

    It is charged to the same account and lasts as long.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: Name = Field(description="Its partition.")
    nodes: int = Field(default=1, ge=1, description="Its nodes.")
    cpus: int = Field(default=1, ge=1, description="CPUs of each node.")
    memory_mb: int = Field(default=2048, ge=0, description="Memory of each node, in MiB.")
    gpus: int = Field(default=0, ge=0, description="GPUs of each node.")
    gpu_type: Name | None = Field(default=None, description="Their type.")
    qos: Name | None = Field(default=None, description="Its QOS.")
    constraint: SlurmWord = Field(default="", description="Features of its nodes.")
    reservation: Name | None = Field(default=None, description="Its reservation.")
    licenses: tuple[License, ...] = Field(default=(), description="Its licences.")
    slurm_options: ExtraOptions = Field(default={}, description="Further options of `sbatch`.")
