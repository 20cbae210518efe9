"""Which images go: the least recently launched first, and never one that is pinned or in use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StoredImage:
    """An image, as far as it matters for whether it stays."""

    key: str
    artefact: str
    size: int
    made: float
    last_launch: float | None
    pinned_by: str | None
    in_use: bool

    @property
    def last_wanted(self) -> float:
        """When somebody last wanted it: an image that was never launched was wanted when made."""
        return self.made if self.last_launch is None else self.last_launch


def removable(
    images: Sequence[StoredImage], *, limit: int, wanted_before: float
) -> Iterator[StoredImage]:
    """The images to remove, in order: those that nobody wanted since `wanted_before`, and as many
    more as bring all together down to `limit` bytes; 0 is no limit.

    What is pinned or in use takes up room like everything else, and stays even if that is too much.
    """
    total = sum(image.size for image in images)
    free = [image for image in images if image.pinned_by is None and not image.in_use]
    for image in sorted(free, key=lambda image: (image.last_wanted, image.key)):
        too_much = 0 < limit < total
        if not too_much and image.last_wanted >= wanted_before:
            return
        total -= image.size
        yield image
