"""What a site builds on, and gives to every build: as far as it shows in what is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ON_THE_WAY = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")


@dataclass(frozen=True)
class Ground:
    """A part of every recipe, whatever its repository says."""

    pythons: Mapping[str, str]
    """What the base images begin with, by their Python, the usual one first: by its digest where
    the site names one."""
    other_base: str
    """The same for what repo2docker's own build packs build on."""
    variables: Mapping[str, str]
    folders: tuple[str, ...]
    """Those that every image has for something to be mounted on."""
    builder: str
    """Not every one makes the same of a Dockerfile."""

    @classmethod
    def of(
        cls,
        *,
        pythons: Mapping[str, str],
        other_base_image: str,
        environment: Mapping[str, str],
        mount_points: tuple[str, ...],
        builder: str,
    ) -> Ground:
        """From a site's options.

        A package index decides which versions there are, and a postBuild or a Dockerfile can read
        any variable, so all of them count; but a proxy is only the way to what is asked for. So are
        certificates. Limits, and where an image goes, change nothing in it.
        """
        counted = {k: v for k, v in environment.items() if k.lower() not in _ON_THE_WAY}
        folders = tuple(sorted(set(mount_points)))
        named = {version: _named(image) for version, image in pythons.items()}
        return cls(named, _named(other_base_image), counted, folders, builder)


def _named(image: str) -> str:
    """An image's digest, if it is named by one: whichever registry has it, it is that image."""
    return image.rpartition("@")[2]
