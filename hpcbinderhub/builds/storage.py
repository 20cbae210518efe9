"""A builder's own directory, and what it makes the base image from."""

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


def base_settings(site: Site, where: Storage) -> BaseSettings:
    """The site's choices about its base image."""
    return BaseSettings(
        storage=where,
        from_image=site.base_image,
        environment=dict(site.build_environment),
        ca_bundle=Path(site.build_ca_bundle) if site.build_ca_bundle else None,
    )
