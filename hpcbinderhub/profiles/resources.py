"""What one launch gets: a profile's offer after the user has chosen, in Slurm's own terms."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Resources(BaseModel):
    """What one launch gets, within a profile's limits. An empty text leaves an option out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: int
    nodes: int
    cpus: int
    memory_mb: int
    gpus: int
    partition: str
    gpu_type: str = ""
    qos: str = ""
    constraint: str = ""
    reservation: str = ""
