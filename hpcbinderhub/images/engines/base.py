"""The contract of a container engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ...errors import NotAllowed
from ...trust.reach import Reach
from ...workspaces import Places


@dataclass(frozen=True)
class ContainerRun:
    """What is to be run: an image as this engine knows it, and a command in it."""

    image: str
    where: Places
    data_roots: tuple[str, ...]
    command: tuple[str, ...]
    reach: Reach = Reach.CLOSED


class Engine(ABC):
    """A way to run an artefact on a compute node.

    `ensure` may talk to the cluster; everything else is a pure function of its arguments.
    """

    name: ClassVar[str]

    hides_home: ClassVar[bool]
    """Whether strangers' code can be kept from seeing the user's home directory. Said on the page
    before the click."""

    keeps_apart: ClassVar[bool]
    """Whether nobody can run an artefact whose file she cannot read."""

    @classmethod
    def check(cls, private: bool) -> None:
        """Refuse what one user alone may run, where everybody could run it."""
        if private and not cls.keeps_apart:
            raise NotAllowed(
                f"{cls.name.capitalize()} gives every user every image, so it cannot run a private "
                "repository.",
                "Choose a profile with another engine.",
            )

    @abstractmethod
    async def ensure(self, user: str, artefact: str, reader: int | None) -> str:
        """Make the artefact runnable for this user; the name by which `command` runs it. `reader`
        is whose artefact it is, if it is not everybody's."""

    @abstractmethod
    def command(self, run: ContainerRun) -> Sequence[str]:
        """The command line for the batch script."""

    def sbatch_options(self, image: str) -> Sequence[str]:
        """What the engine's Slurm plugin wants on `sbatch`'s command line."""
        return ()
