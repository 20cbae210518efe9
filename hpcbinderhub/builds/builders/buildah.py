"""Buildah: rootless, without a daemon; the usual builder.

What our own steps make never becomes an image: it stays in a working container (see `assembly`).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from hpcbinderhub.builds import commands, packages
from hpcbinderhub.builds.assembly import Assembly, assemble
from hpcbinderhub.builds.builders.base import Builder, Opened, own_image
from hpcbinderhub.builds.disk import Growth
from hpcbinderhub.builds.steps import Steps
from hpcbinderhub.builds.tool import BuilderError

BASE = "org.opencontainers.image.base."


class Buildah(Builder):
    """Rootless Buildah on one storage."""

    name = "buildah"

    def inside(self, *command: str) -> list[str]:
        """In the user namespace that Buildah makes, with all ids that the account has."""
        return commands.inside(self.storage, *command)

    @property
    def has_one_user(self) -> bool:
        """Where the account has no subordinate ids."""
        return commands.has_one_user()

    @property
    def growth(self) -> Growth:
        """Layers. What a step writes to a volume lies beside its container's own files."""
        root = self.storage.graphroot
        return Growth(((root / "overlay", "diff"),), (root / "overlay-containers",))

    def environment(self) -> dict[str, str]:
        """The same for every command of Buildah."""
        return commands.environment(self.storage)

    def version(self) -> str:
        """Buildah's own version."""
        return commands.version(self.storage)

    def images(self) -> Collection[str]:
        """Names of all images of the storage."""
        return commands.images(self.storage)

    def digest(self, image: str) -> str:
        """The digest of its manifest."""
        return str(commands.inspect(self.storage, image)["FromImageDigest"])

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
        """All steps in one container, one commit at the end."""
        yield from commands.build(
            self.storage,
            context=context,
            dockerfile=dockerfile,
            tag=tag,
            given=given,
            arguments=arguments,
            labels=labels,
            ignorefile=ignorefile,
        )

    def remove(self, image: str) -> None:
        """Remove an image's name, and its layers when nothing else needs them."""
        commands.remove_image(self.storage, image)

    def remove_leftovers(self, keep_tmp: Collection[str]) -> None:
        """All working containers, and images without a name."""
        commands.remove_leftovers(self.storage, keep_tmp=keep_tmp)

    def try_step(self, image: str) -> str:
        """Try a step in a container, as an OCI runtime makes it."""
        name = f"trial-{os.getpid()}"
        try:
            commands.from_image(self.storage, image, name)
            given = Steps(isolation="oci")
            list(commands.run(self.storage, name, "true", user="0", folder="/", given=given))
        except BuilderError as error:
            return " ".join(error.tail[-2:])[:500]
        finally:
            with contextlib.suppress(BuilderError):
                commands.remove_container(self.storage, name)
        return ""

    def assemble(
        self, assembly: Assembly, *, image: str, context: Path, ignorefile: Path, given: Steps
    ) -> Iterator[str]:
        """In a working container, which takes the place of an image."""
        yield from assemble(
            self.storage,
            assembly,
            name=working_container(image),
            context=context,
            ignorefile=ignorefile,
            given=given,
        )

    def run(
        self, image: str, *arguments: str, user: str, folder: str, given: Steps
    ) -> Iterator[str]:
        """In the working container."""
        container = self._container(image)
        yield from commands.run(
            self.storage, container, *arguments, user=user, folder=folder, given=given
        )

    def configuration(self, image: str) -> dict[str, Any]:
        """As the image has it that a Dockerfile has made."""
        return commands.configuration(self.storage, image)

    def open(self, image: str) -> Opened:
        """Mount the working container."""
        container = self._container(image)
        config = commands.container_configuration(self.storage, container)
        return Opened(commands.mount(self.storage, container), config)

    def base(self, image: str) -> tuple[str, str]:
        """The image that a Dockerfile names last, or the one that our own steps begin with."""
        found = commands.made_from(self.storage, self._container(image))
        if found["FromImage"] not in (own_image(image), image):
            return found["FromImage"], found["FromImageDigest"]
        said = commands.inspect(self.storage, found["FromImage"])["ImageAnnotations"] or {}
        return said.get(f"{BASE}name", ""), said.get(f"{BASE}digest", "")

    def keep_packages(
        self, image: str, bases: Collection[str], wanted: Collection[str], given: Steps
    ) -> None:
        """Keep what was installed on a base image of ours."""
        with contextlib.suppress(BuilderError, OSError):
            base = commands.origin(self.storage, working_container(image))
            if base in bases:
                packages.stock(self.storage, base, wanted, given)

    def image_id(self, image: str) -> str | None:
        """The image's id, if it was committed."""
        if not self.has(image):
            return None
        return f"sha256:{commands.inspect(self.storage, image)['FromImageID']}"

    def _container(self, image: str) -> str:
        """The working container of an image: one that was assembled, or a new one."""
        container = working_container(image)
        if container not in commands.containers(self.storage):
            commands.from_image(self.storage, image, container)
        return container


def working_container(image: str) -> str:
    """Name of the working container that stands for an image."""
    return "assembled-" + re.sub(r"[^a-z0-9.-]", "-", image)
