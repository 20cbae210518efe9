"""What the API answers about what is free, and about when a launch would start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from pydantic import Field

from hpcbinderhub.slurm.availability import Partition, Seen

from .models import Model


class FreeGPUsModel(Model):
    """GPUs of one type in a partition."""

    kind: str = Field(description="Slurm's name of the type; empty where it has none.")
    total: int
    free: int


class PartitionModel(Model):
    """What a partition has, and what of it is free."""

    name: str
    state: str = Field(description="`up` if it starts jobs.")
    nodes: int
    idle: int = Field(description="Nodes on which nothing runs.")
    down: int = Field(description="Nodes that are down, or drained.")
    held: int = Field(description="Nodes in a reservation.")
    cpus: int
    cpus_free: int
    gpus: list[FreeGPUsModel]
    words: str = Field(description="The same in a sentence.")

    @classmethod
    def of(cls, partition: Partition) -> PartitionModel:
        """One of the library's."""
        return cls(**asdict(partition), words=partition.in_words())


class AvailabilityModel(Model):
    """The partitions behind the profiles that the caller may choose."""

    age: float = Field(description="Seconds since Slurm said so.")
    partitions: list[PartitionModel]

    @classmethod
    def of(cls, seen: Seen, names: Iterable[str]) -> AvailabilityModel:
        """Those of these names that Slurm knows, each once."""
        known = [seen.partitions[name] for name in dict.fromkeys(names) if name in seen.partitions]
        return cls(age=seen.age, partitions=[PartitionModel.of(one) for one in known])


class ForecastModel(Model):
    """When a launch would start."""

    wait: float = Field(description="Seconds that its job would wait in the queue; 0: none.")
    start: float = Field(description="The same as a moment.")
