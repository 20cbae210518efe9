"""A builder's own directory, and what it makes the base images from."""

from __future__ import annotations

from pathlib import Path

from ..images.base import BaseSettings
from ..site import Site
from .request import Storage


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
            storage=where,
            from_image=image,
            python=python,
            environment=dict(site.build_environment),
            ca_bundle=Path(site.build_ca_bundle) if site.build_ca_bundle else None,
        )
        for python, image in site.pythons.items()
    ]
