"""Container engines for repo2docker that need no daemon, no root and no docker command."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repo2docker.engine import BuildError, ContainerEngine, Image
from traitlets import Dict, Instance, Unicode, default

from hpcbinderhub.builds.builders.base import Builder
from hpcbinderhub.builds.builders.buildah import Buildah
from hpcbinderhub.builds.request import Storage
from hpcbinderhub.builds.steps import Steps


class HubEngine(ContainerEngine):  # type: ignore[misc]
    """Builds with one of our builders."""

    builder = Instance("hpcbinderhub.builds.builders.base.Builder")
    given = Instance(Steps)
    """All that every build step gets, limits and isolation too."""

    def build(
        self,
        *,
        tag: str = "",
        fileobj: io.BufferedIOBase | None = None,
        path: str = "",
        dockerfile: str = "",
        buildargs: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        ignorefile: str | None = None,
        **_unused: Any,
    ) -> Iterator[str]:
        """Build an image, either from a folder or from the archive that repo2docker makes."""
        with tempfile.TemporaryDirectory(
            dir=self.builder.storage.tmp, prefix="context-"
        ) as unpacked:
            context = Path(path)
            if fileobj is not None:
                context = Path(unpacked)
                _unpack(fileobj, context)
            for line in self.builder.build(
                context=context,
                dockerfile=context / (dockerfile or "Dockerfile"),
                tag=tag,
                given=self.given,
                arguments=buildargs,
                labels=labels,
                ignorefile=Path(ignorefile) if ignorefile else None,
            ):
                yield line + "\n"

    def inspect_image(self, image: str) -> Image | None:
        """The image's configuration, or nothing if it is not in the storage."""
        if not self.builder.has(image):
            return None
        return Image(tags=[image], config=self.builder.configuration(image))


class BuildahEngine(HubEngine):
    """Rootless Buildah for repo2docker on its own; what each build step gets is configuration."""

    graphroot = Unicode(
        help="Where images are stored: a local disk of the build host. Example: "
        "'/var/lib/hpcbinder/storage'. Set by the site's admin.",
        config=True,
    )
    runroot = Unicode(
        help="Where buildah keeps its state between boots of the host. Example: "
        "'/run/hpcbinder/storage'. Set by the site's admin.",
        config=True,
    )
    tmp = Unicode(
        help="Where temporary files of a build go: a local disk with room for a repository. "
        "Example: '/var/tmp/hpcbinder'. Set by the site's admin.",
        config=True,
    )
    environment = Dict(
        help="Variables of every build step that do not become part of the image. Example: "
        "{'PIP_INDEX_URL': 'https://mirror.example.org/simple'}. Set by the site's admin.",
        config=True,
    )
    trust_folder = Unicode(
        help="A folder with the certificates that build steps are to trust, as `steps_for` lays it "
        "out. Example: '/var/tmp/hpcbinder/trust'. Empty: they trust what the image trusts. Set by "
        "the site's admin.",
        config=True,
    )

    @default("given")
    def _default_given(self) -> Steps:
        return Steps(self.environment, Path(self.trust_folder) if self.trust_folder else None)

    @default("builder")
    def _default_builder(self) -> Builder:
        where = (Path(folder) for folder in (self.graphroot, self.runroot, self.tmp))
        return Buildah(Storage(**dict(zip(("graphroot", "runroot", "tmp"), where, strict=True))))


def _unpack(fileobj: io.BufferedIOBase, folder: Path) -> None:
    """Unpack the build context that repo2docker made from a tree without following its links."""
    with tarfile.open(fileobj=fileobj) as archive:
        # Newer Pythons refuse absolute links, which a repository may well hold.
        archive.extraction_filter = lambda member, _path: member
        for member in archive:
            parts = Path(member.name).parts
            if ".." in parts or Path(member.name).is_absolute():
                raise BuildError(f"The build context holds a path outside of it: {member.name!r}")
            archive.extract(member, folder)
