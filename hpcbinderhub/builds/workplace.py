"""What a builder works with: its own directory, base images, and the fence of its host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..images.base import BaseImage, BaseSettings
from ..site import Site
from .builders import builder_of
from .builders.base import Builder
from .fence import cgroup
from .fence.policy import Fence, fence_here
from .request import Storage


@dataclass(frozen=True)
class Readied:
    """A builder that can begin."""

    base_images: Sequence[str]
    """One for each of the site's Pythons, the usual one first."""
    fence: Fence


def make_ready(site: Site, make_base: Callable[[BaseSettings], BaseImage]) -> Readied:
    """Make what is missing; takes minutes the first time."""
    where = storage(Path(site.builder_dir))
    names = [make_base(settings).name for settings in base_settings(site, where)]
    return Readied(names, fence_here(site, builder(site), names[0], divide=cgroup.divide))


def builder(site: Site) -> Builder:
    """The site's builder, on its storage."""
    return builder_of(site.builder, storage(Path(site.builder_dir)))


def storage(directory: Path) -> Storage:
    """A builder's storage below its directory."""
    for name in ("graphroot", "runroot", "tmp"):
        (directory / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return Storage(
        graphroot=directory / "graphroot", runroot=directory / "runroot", tmp=directory / "tmp"
    )


def base_settings(site: Site, where: Storage) -> list[BaseSettings]:
    """The site's choices about its base images, one for each Python, the usual one first."""
    return [
        BaseSettings(
            builder=builder(site).name,
            storage=where,
            from_image=image,
            python=python,
            environment=dict(site.build_environment),
            ca_bundle=Path(site.build_ca_bundle) if site.build_ca_bundle else None,
        )
        for python, image in site.pythons.items()
    ]
