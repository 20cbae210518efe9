"""From what each way took to the figures that are promised: pure, so that a test can hold them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .dragging import Series

AXES = "xyz"
"""Names of the axes in figures: the first, the second and the third as they are stored."""

Compared = Mapping[str, Sequence[Series]]
"""By layout, and for each axis."""


def ratios(compared: Sequence[Series], way: str = "h5web") -> dict[str, float]:
    """A peer's median over ours, by axis."""
    return {
        name: round(one[way].ms / one["ours"].ms, 2)
        for name, one in zip(AXES, compared, strict=True)
    }


def of_drags(sequential: Compared, random: Compared) -> dict[str, Any]:
    """Everything about the way from a request to its last byte."""
    gzip = [*ratios(sequential["gzip"]).values(), *ratios(sequential["large"]).values()]
    return {
        "seq_gzip_h5web_over_ours_min": min(gzip),
        "seq_plain_h5web_over_ours_min": min(ratios(sequential["plain"]).values()),
        "seq_plane_h5web_over_ours": ratios(sequential["plane"]),
        "seq_contiguous_h5web_over_ours": ratios(sequential["contiguous"]),
        "random_h5web_over_ours_min": min(
            ratio for one in random.values() for ratio in ratios(one).values()
        ),
        "drag_bytes_over_float32_max": max(_bytes_ratios([*sequential.values(), *random.values()])),
    }


def _bytes_ratios(all_of: Sequence[Sequence[Series]]) -> Iterator[float]:
    """Of every drag; h5web sends each plane as the float32 that it is."""
    for axes in all_of:
        for one in axes:
            (plane,) = set(one["h5web"].nbytes)
            yield from (round(nbytes / plane, 4) for nbytes in one["ours"].nbytes)


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest of them that is not below so large a part of all."""
    return sorted(values)[math.ceil(part * len(values)) - 1]
