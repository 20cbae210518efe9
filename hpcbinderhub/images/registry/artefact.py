"""An image in a registry as an artefact, with no file of it ever on this machine's disk.

Layers come a few at a time; the topmost is read while it still comes, and what is left of them goes
on to mksquashfs at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...builds.request import Artefact
from ...errors import UserError
from ..convert import EMPTIED, LEFT_OUT, Place, from_stream
from ..layers.flatten import Flattening
from ..layers.tar import TarWriter
from ..layers.unpacked import Unpacked
from ..squash import NEEDED_FILES
from .blobs import BlobReader, Fetched
from .client import Image, Registry
from .reference import Reference


@dataclass(frozen=True)
class Limits:
    """What an image may need of this machine."""

    size: int
    """Of all its files, and of each layer."""
    scratch: Path
    """Where layers lie, as they come, until the artefact is made."""


def from_registry(
    registry: Registry,
    reference: Reference,
    place: Place,
    limits: Limits,
    folders: Sequence[str] = (),
) -> Iterator[str | Artefact]:
    """Log lines, then the artefact. The image gets the folders that it lacks."""
    image = registry.image(reference)
    packed = sum(layer.size for layer in image.layers)
    if packed > limits.size:
        raise UserError(
            f"{reference} has {packed / 1e9:.1f} GB; this site allows {limits.size / 1e9:.1f} GB.",
            "Use a smaller image, or ask your site's admin.",
        )
    yield f"{image.name}: {len(image.layers)} layers, {packed / 1e6:.0f} MB"

    def write(stream: IO[bytes]) -> None:
        flatten(registry, reference.repository, image, limits, stream, folders)

    def record() -> dict[str, object]:
        return {
            "image": image.name,
            "imported": True,
            "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }

    yield from from_stream(write, place, record)


def flatten(
    registry: Registry,
    repository: str,
    image: Image,
    limits: Limits,
    stream: IO[bytes],
    folders: Sequence[str],
) -> None:
    """Write an image's tree as a tar stream."""
    downwards = image.layers[::-1]
    flattening = Flattening(
        TarWriter(stream, limits.size),
        left_out=[path.encode() for path in LEFT_OUT],
        emptied=[path.encode() for path in EMPTIED],
        scratch=limits.scratch,
    )
    with Fetched(registry, repository, downwards, limits.scratch) as blobs:
        for blob in blobs:
            with Unpacked(BlobReader(blob), limits.size) as plain:
                flattening.take(plain)
    missing = [path for path in NEEDED_FILES if path.lstrip("/").encode() not in flattening.written]
    if missing:
        raise UserError(
            f"The image lacks {', '.join(missing)}.",
            "Only images that HPC BinderHub has built can be launched.",
        )
    flattening.end([folder.strip("/").encode() for folder in folders])
