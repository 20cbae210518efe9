"""The data: one field, stored in every layout, and a larger one.

The field is what geophysicists slide through: layers that undulate, a body in them, and some noise,
so that the lower half of each value's bits does not compress.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

DATASET = "/field"
DOMAIN = (1000.0, 4500.0)
"""What all values lie in, in metres a second."""
SEED = 7

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Sizes:
    """How large everything is; `chunk` is an edge of the cubes that values are stored in."""

    side: int
    chunk: int
    large: Shape
    huge: Shape
    slices: int
    paced: int
    """So many slices while sliding at sixty a second."""
    crowd_seconds: float
    hand_seconds: float
    """For so long a hand slides in a browser, each time."""

    @property
    def cube(self) -> Shape:
        """The shape of the data set that is there in every layout."""
        return (self.side,) * 3


FULL = Sizes(
    side=512,
    chunk=64,
    large=(2048, 2048, 256),
    huge=(750, 8192, 8192),
    slices=100,
    paced=300,
    crowd_seconds=20,
    hand_seconds=8,
)
QUICK = Sizes(
    side=64,
    chunk=16,
    large=(128, 128, 32),
    huge=(100, 256, 256),
    slices=8,
    paced=30,
    crowd_seconds=1,
    hand_seconds=1,
)


@dataclass(frozen=True)
class Stored:
    """A data set in a file of its own."""

    layout: str
    path: Path
    shape: Shape


def stored(folder: Path, sizes: Sizes) -> dict[str, Stored]:
    """All data sets by layout; those that an earlier run left in the folder are used again."""
    folder.mkdir(parents=True, exist_ok=True)
    shapes = dict.fromkeys(options(sizes), sizes.cube) | {"large": sizes.large}
    made = {}
    for layout, shape in shapes.items():
        path = folder / f"{layout}-{'x'.join(map(str, shape))}.h5"
        if not path.exists():
            _write(path, shape, sizes.chunk, options(sizes).get(layout) or _gzip(sizes))
        made[layout] = Stored(layout, path, shape)
    # What is still on its way to the disk would slow whoever comes first.
    os.sync()
    return made


def options(sizes: Sizes) -> Mapping[str, Mapping[str, Any]]:
    """What h5py is told for each layout.

    `compression="gzip"` is what its users write: level 4, without the shuffle filter.
    """
    return {
        "contiguous": {"chunks": None},
        "gzip": _gzip(sizes),
        "plain": {"chunks": (sizes.chunk,) * 3},
        "plane": {"chunks": (1, sizes.side, sizes.side)},
    }


def _gzip(sizes: Sizes) -> Mapping[str, Any]:
    return {"chunks": (sizes.chunk,) * 3, "compression": "gzip"}


def _write(path: Path, shape: Shape, rows: int, how: Mapping[str, Any]) -> None:
    unfinished = path.with_suffix(".unfinished")
    with h5py.File(unfinished, "w") as file:
        field = file.create_dataset(DATASET, shape, "f4", **how)
        fill = _fill_compressed if field.compression else _fill
        for first in range(0, shape[0], rows):
            fill(field, first, values(shape, first, min(first + rows, shape[0])))
    unfinished.rename(path)


def _fill(field: Any, first: int, slab: NDArray[np.float32]) -> None:
    field[first : first + len(slab)] = slab


def _fill_compressed(field: Any, first: int, slab: NDArray[np.float32]) -> None:
    """What h5py would write, with zlib on every core: chunks fill the slab without a rest."""
    rows, width, depth = field.chunks
    assert slab.shape[0] == rows
    corners = list(product(range(0, slab.shape[1], width), range(0, slab.shape[2], depth)))

    def compressed(corner: tuple[int, int]) -> bytes:
        y, z = corner
        chunk = slab[:, y : y + width, z : z + depth].tobytes()
        return zlib.compress(chunk, field.compression_opts)

    with ThreadPoolExecutor() as pool:
        for corner, body in zip(corners, pool.map(compressed, corners), strict=True):
            field.id.write_direct_chunk((first, *corner), body)


def values(shape: Shape, first: int, last: int) -> NDArray[np.float32]:
    """Velocities from one plane of the first axis to another, the same ones in any layout."""
    x, y, z = (
        np.linspace(0, 1, length, dtype="f4").reshape([-1 if i == axis else 1 for i in range(3)])
        for axis, length in enumerate(shape)
    )
    x = x[first:last]
    depth = z + 0.05 * np.sin(7 * x + 2) * np.cos(5 * y)
    layers = 1500 + 1800 * depth + 120 * np.sin(40 * depth)
    body = 600 * np.exp(
        -(((x - 0.6) / 0.2) ** 2 + ((y - 0.4) / 0.25) ** 2 + ((z - 0.5) / 0.15) ** 2)
    )
    noise = np.random.default_rng((SEED, first)).standard_normal(layers.shape, dtype="f4")
    velocity: NDArray[np.float32] = np.clip(layers + body + 15 * noise, *DOMAIN, dtype="f4")
    return velocity
