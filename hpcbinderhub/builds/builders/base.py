"""The contract of a builder: what a build asks of the tool that makes images.

An image has a name in the builder's own storage, which serves one build at a time. Whatever raises
`tool.BuilderError` has shown the tool's own words before, as lines.
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from hpcbinderhub.builds.assembly import Assembly
from hpcbinderhub.builds.disk import Growth
from hpcbinderhub.builds.request import BuilderName, Storage
from hpcbinderhub.builds.steps import Steps
from hpcbinderhub.errors import UserError


@dataclass(frozen=True)
class Opened:
    """An image as a tree of files that may be added to, before an artefact is made of it."""

    root: Path
    config: Mapping[str, Any]
    """As OCI has it: ``Env``, ``User``, ``WorkingDir`` and more."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the image."""
        return dict(item.split("=", 1) for item in self.config.get("Env") or [])


class Builder(ABC):
    """One tool on one storage.

    What is below `inside` is called only by processes that were started with it.
    """

    name: ClassVar[BuilderName]

    def __init__(self, storage: Storage):
        self.storage = storage

    # -- from anywhere ---------------------------------------------------------------------------
    @abstractmethod
    def inside(self, *command: str) -> list[str]:
        """A command as it must be started to use this builder: in its user namespace."""

    @property
    @abstractmethod
    def has_one_user(self) -> bool:
        """Whether a build step has a single user id (see `one_user`)."""

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """All that the tool, and what is started by `inside`, gets to see of its surroundings."""

    @abstractmethod
    def version(self) -> str:
        """The tool's own version."""

    @abstractmethod
    def images(self) -> Collection[str]:
        """Names of all images of the storage, with their tags."""

    def has(self, image: str) -> bool:
        """Whether an image is in the storage."""
        named = image if ":" in image.rsplit("/", 1)[-1] else f"{image}:latest"
        return named in self.images()

    @abstractmethod
    def digest(self, image: str) -> str:
        """What tells an image from others of its name; empty where the tool knows no such thing."""

    @abstractmethod
    def build(
        self,
        *,
        context: Path,
        dockerfile: Path,
        tag: str,
        given: Steps,
        arguments: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        ignorefile: Path | None = None,
    ) -> Iterator[str]:
        """Build an image from a Dockerfile; base images are pulled if they are not there."""

    @abstractmethod
    def remove(self, image: str) -> None:
        """Remove an image, and what only it needs."""

    @abstractmethod
    def remove_leftovers(self, keep_tmp: Collection[str]) -> None:
        """Remove what a build left that was killed. The caller holds the storage's lock."""

    @property
    @abstractmethod
    def growth(self) -> Growth:
        """What the disk limit of a build looks at, besides temporary files."""

    @property
    def beyond(self) -> str:
        """Why the fence is not around build steps; empty if it is."""
        return ""

    def weaknesses(self) -> Sequence[str]:
        """What an admin should know that this tool cannot do, in sentences for `check`."""
        return ()

    # -- inside ----------------------------------------------------------------------------------
    @abstractmethod
    def try_step(self, image: str) -> str:
        """Why a step cannot have a container of its own on this host; empty if it can."""

    def assemble(
        self, assembly: Assembly, *, image: str, context: Path, ignorefile: Path, given: Steps
    ) -> Iterator[str]:
        """Carry out steps of our own; what they make has the image's name from then on."""
        with tempfile.TemporaryDirectory(dir=self.storage.tmp, prefix="assembly-") as folder:
            dockerfile = Path(folder, "Dockerfile")
            dockerfile.write_text(assembly.containerfile(), "utf-8")
            yield from self.build(
                context=context,
                dockerfile=dockerfile,
                tag=image,
                given=given,
                ignorefile=ignorefile,
            )

    def run(
        self, image: str, *arguments: str, user: str, folder: str, given: Steps
    ) -> Iterator[str]:
        """Run one more step in an image, for a build that is held to a record."""
        raise UserError(
            f"An environment is made again from its record by Buildah alone, not by {self.name}.",
            "Build it anew, or ask your site's admin for a builder with Buildah.",
        )

    @abstractmethod
    def configuration(self, image: str) -> dict[str, Any]:
        """The OCI configuration of an image."""

    @abstractmethod
    def open(self, image: str) -> Opened:
        """An image's tree and configuration; gone when the image is removed."""

    @abstractmethod
    def base(self, image: str) -> tuple[str, str]:
        """What an image stands on, and its digest; empty where that is not known."""

    def keep_packages(
        self, image: str, bases: Collection[str], wanted: Collection[str], given: Steps
    ) -> None:
        """Keep what was installed for builds to come, where a builder has a place for it."""
        return

    def image_id(self, image: str) -> str | None:
        """An image's own id, if it ever became one."""
        return None


def own_image(image: str) -> str:
    """Name of the image that a repository's Dockerfile makes, before the tools are in it."""
    return f"{image}-own"
