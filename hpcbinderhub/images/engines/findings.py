"""What a site's engines cannot do of what its profiles ask, for `hpcbinderhub check`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from ...profiles import Profile
from ...site import Site
from . import engine_class
from .base import Engine, Gpus, Takes
from .pulled import pulls

NO_REGISTRY = (
    "Pulls its images, and there is no registry, so nothing can be launched: set "
    "c.Site.image_registry."
)


def findings(site: Site) -> list[str]:
    """A sentence or two on each, with the profile's name; pure."""
    return [
        f"Profile “{profile.name}”, {profile.engine}: {finding}"
        for profile in site.profiles
        for finding in _of_profile(site, profile, engine_class(profile.engine))
    ]


def _of_profile(site: Site, profile: Profile, engine: type[Engine]) -> Iterator[str]:
    if pulls(engine, site) and not site.image_registry:
        yield NO_REGISTRY
    if not engine.hides_home:
        yield _of_homes(site)
    if not engine.keeps_apart:
        yield "Keeps no image for one user alone, so it runs no private repository."
    yield from _of_host(site, profile, engine)
    if profile.max_gpus:
        yield from _of_gpus(profile, engine)


def _of_homes(site: Site) -> str:
    if site.refuse_unhidden:
        return "Cannot hide homes, so it runs only repositories that may see them."
    return (
        "Cannot hide homes: strangers' code sees what its user can read. The launch page says so; "
        "c.Site.refuse_unhidden refuses it."
    )


def _of_host(site: Site, profile: Profile, engine: type[Engine]) -> Iterator[str]:
    parts = profile.host | profile.gpu_host
    if parts.engine_modules and not engine.has_modules:
        yield f"Has no modules of its own, so {', '.join(parts.engine_modules)} is left out."
    for bind in parts.binds:
        if bind.read_only and not engine.read_only_binds:
            yield f"Cannot mount {bind.target} read-only: file permissions alone protect it."
        if not engine.makes_mount_points and not _is_in_images(site, engine, bind.target):
            yield f"Mounts {bind.target} only if images have it: name it in c.Site.mount_points."


def _is_in_images(site: Site, engine: type[Engine], target: str) -> bool:
    own = ("/", "/opt") if engine.takes is Takes.IMPORTED else ()
    return target in site.mount_points or str(PurePosixPath(target).parent) in own


def _of_gpus(profile: Profile, engine: type[Engine]) -> Iterator[str]:
    parts = profile.host | profile.gpu_host
    if engine.gpus is Gpus.MODULES and not parts.engine_modules:
        yield f"Offers GPUs without their libraries: they come from {engine.gpus}."
    if engine.gpus is Gpus.BINDS and profile.gpu_maker == "nvidia" and not profile.gpu_host.binds:
        yield f"Offers GPUs without their libraries: they come from {engine.gpus}."
