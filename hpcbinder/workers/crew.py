"""A crew, which is a set of workers as the service tells of it: a picture of one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

WAITING = ("submitting", "pending")
ALIVE = ("submitting", "pending", "running", "unknown")


class Keys(NamedTuple):
    """Certificate and key by which all that belongs to a crew know each other; as PEM text."""

    certificate: str
    key: str

    def __repr__(self) -> str:
        return "Keys(…)"


@dataclass(frozen=True)
class Node:
    """One node of a crew: waiting, running or gone."""

    id: str
    state: str
    node: str = ""
    words: str = ""
    expected_start: float = 0
    started: float = 0
    ends: float = 0
    claimed: bool = False
    workers: int = 0
    lost: bool = False

    @property
    def waiting(self) -> bool:
        """Whether it is still in Slurm's queue."""
        return self.state in WAITING

    @property
    def alive(self) -> bool:
        """Whether it works, or will."""
        return self.state in ALIVE and not self.lost


@dataclass(frozen=True)
class Crew:
    """What was asked for, and what became of it."""

    id: str
    name: str
    state: str = "open"
    launch: str = ""
    profile: str = ""
    title: str = ""
    words: str = ""
    advice: str = ""
    detail: str = ""
    version: int = 0
    created: float = 0
    keep: bool = False
    replace: bool = False
    wanted_nodes: int = 0
    wanted_workers: int = 0
    per_node: int = 1
    threads: int = 1
    memory_mb: int = 0
    gpus: int = 0
    scheduler: str | None = None
    max_nodes: int = 0
    nodes: tuple[Node, ...] = field(default=())
    submissions: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing of it will run any more."""
        return self.state != "open"

    def alive(self) -> list[Node]:
        """The nodes that work or will."""
        return [node for node in self.nodes if node.alive]


class Profile(NamedTuple):
    """What may be asked for, and the most of it."""

    name: str
    title: str = ""
    max_nodes: int = 0
    cpus: int = 0
    memory_mb: int = 0
    gpus: int = 0
    minutes: int = 0
    form: str = ""


class Offer(NamedTuple):
    """The crews that there are, and the profiles that new ones may have; the first is what is
    taken if none is named."""

    crews: list[Crew]
    profiles: list[Profile]


def crew_from(answer: Mapping[str, Any]) -> Crew:
    """As the service writes it. What a newer one says beyond that is left aside."""
    known = {name.name for name in fields(Crew)}
    found = {key: value for key, value in answer.items() if key in known and value is not None}
    in_node = {name.name for name in fields(Node)}
    found["nodes"] = tuple(
        Node(**{key: value for key, value in node.items() if key in in_node and value is not None})
        for node in answer.get("nodes", ())
    )
    return Crew(**found)


def profiles_from(answer: Iterable[Mapping[str, Any]]) -> list[Profile]:
    """As the service writes them."""
    return [
        Profile(**{key: profile[key] for key in Profile._fields if profile.get(key) is not None})
        for profile in answer
    ]
