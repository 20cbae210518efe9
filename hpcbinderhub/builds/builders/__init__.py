"""Builders: the tools that make an image of a build context. Each is one class behind one contract.

`base` is the contract. Which one a site uses, `c.Site.builder` says.
"""

from __future__ import annotations

from collections.abc import Mapping

from hpcbinderhub.builds.builders.base import Builder
from hpcbinderhub.builds.builders.buildah import Buildah
from hpcbinderhub.builds.builders.chimage import ChImage
from hpcbinderhub.builds.builders.docker import Docker
from hpcbinderhub.builds.request import Storage

BUILDERS: Mapping[str, type[Builder]] = {kind.name: kind for kind in (Buildah, ChImage, Docker)}


def builder_of(name: str, storage: Storage) -> Builder:
    """A builder, on one storage."""
    return BUILDERS[name](storage)
