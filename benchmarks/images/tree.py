"""A tree like that of an environment: 50,000 files of this host's programs and libraries, 1.1 GB."""

from __future__ import annotations

import itertools
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

FILES = 50_000
BYTES = 1_100_000_000
LARGEST = 16 << 20
A_FOLDER = 40
SOURCES = (sysconfig.get_path("purelib"), "/usr/lib/python3", "/usr/lib", "/usr/share")


def make_tree(root: Path) -> None:
    """Fill a folder. Each file ends in its number, so that none is another's copy."""
    # A few large libraries hold most of the bytes: the smallest files first, then as they come.
    sources = sorted(itertools.islice(_sources(), 2 * FILES), key=lambda found: found[1])
    left = BYTES
    for number, (path, size) in enumerate(_choice(sources)):
        folder = root / f"usr/lib/part-{number // 1600:02}/module-{number // A_FOLDER:04}"
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{number:05}-{path.name[:60]}"
        target.write_bytes(path.read_bytes() + f"\n{number}".encode())
        left -= size
    print(f"{FILES} files, {(BYTES - left) / 1e9:.2f} GB", file=sys.stderr)


def _choice(sources: list[tuple[Path, int]]) -> Iterator[tuple[Path, int]]:
    """As many as are wanted, evenly from small to large, and then larger ones for smaller ones
    until the bytes are those that are wanted."""
    step = len(sources) / FILES
    chosen = [sources[int(number * step)] for number in range(FILES)]
    total = sum(size for _, size in chosen)
    large = [found for found in sources if found[1] > BYTES // FILES]
    small = 0
    for found in itertools.cycle(reversed(large)):
        if total >= BYTES:
            break
        total += found[1] - chosen[small][1]
        chosen[small] = found
        small += 1
    return iter(chosen)


def _sources() -> Iterator[tuple[Path, int]]:
    for source in SOURCES:
        for folder, folders, names in os.walk(source):
            folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    size = path.stat().st_size
                    if size <= LARGEST:
                        yield path, size
