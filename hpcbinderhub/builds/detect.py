"""Which build pack builds a repository: repo2docker's own in its order, with ours among them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from repo2docker.buildpacks import (
    CondaBuildPack,
    DockerBuildPack,
    JuliaProjectTomlBuildPack,
    JuliaRequireBuildPack,
    LegacyBinderDockerBuildPack,
    NixBuildPack,
    PipfileBuildPack,
    PythonBuildPack,
    RBuildPack,
)

from hpcbinderhub.builds.builders.base import own_image
from hpcbinderhub.builds.engine import HubEngine
from hpcbinderhub.builds.tools import second_step
from hpcbinderhub.builds.uvpack import UvPack


class DockerfilePack(DockerBuildPack):  # type: ignore[misc]
    """A repository's own Dockerfile, built as it is; the tools are added in a second step."""

    def __init__(self, base_image: str, *, hub_base_image: str):
        """The hub's base image is where the tools come from."""
        super().__init__(base_image)
        self.hub_base_image = hub_base_image

    def build(
        self,
        client: HubEngine,
        image_spec: str,
        memory_limit: int,
        build_args: Mapping[str, str],
        cache_from: Sequence[str],
        extra_build_kwargs: Mapping[str, Any],
        platform: str | None = None,
    ) -> Iterator[str]:
        """Build the Dockerfile, then add the tools to its image."""
        own = own_image(image_spec)
        yield from super().build(
            client, own, memory_limit, build_args, cache_from, extra_build_kwargs, platform
        )
        for line in client.builder.assemble(
            second_step(own, self.hub_base_image),
            image=image_spec,
            context=Path.cwd(),
            ignorefile=Path(os.devnull),
            given=client.given,
        ):
            yield line + "\n"


def build_packs(pythons: Mapping[str, str]) -> list[Callable[..., Any]]:
    """All build packs in the order they are asked; the one before Conda takes Python files.

    ``pythons``: the site's base images by their Python, the usual one first.
    """
    hub_base_image = next(iter(pythons.values()))
    return [
        LegacyBinderDockerBuildPack,
        partial(DockerfilePack, hub_base_image=hub_base_image),
        JuliaProjectTomlBuildPack,
        JuliaRequireBuildPack,
        NixBuildPack,
        RBuildPack,
        partial(UvPack, pythons=pythons),
        CondaBuildPack,
        PipfileBuildPack,
        PythonBuildPack,
    ]


def noting(pack: Callable[..., Any], tried: list[str]) -> Callable[..., Any]:
    """A build pack that notes its name when repo2docker makes it to ask whether it suits."""

    def make(**given: Any) -> Any:
        made = pack(**given)
        tried.append(type(made).__name__)
        return made

    return make
