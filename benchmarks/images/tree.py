"""A tree like an environment's: 50,000 files of this host's programs and libraries, 1.1 GB."""

from __future__ import annotations

import itertools
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

WHOLE = (50_000, 1_100_000_000)
"""Files and bytes."""
LARGEST = 16 << 20
A_FOLDER = 40
SOURCES = (sysconfig.get_path("purelib"), "/usr/lib/python3", "/usr/lib", "/usr/share")

Found = tuple[int, Path]


def make_tree(root: Path, files: int, size: int) -> None:
    """Fill a folder with so many files of so many bytes. Each file ends in its number, so that
    none is another's copy."""
    found = sorted(itertools.islice(_files(), 2 * files))
    for number, (_size, path) in enumerate(chosen(found, files, size)):
        folder = root / f"usr/lib/part-{number // 1600:02}/module-{number // A_FOLDER:04}"
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{number:05}-{path.name[:60]}"
        target.write_bytes(path.read_bytes() + f"\n{number}".encode())


def chosen(there: list[Found], files: int, size: int) -> list[Found]:
    """As many as are wanted, evenly from small to large; then the largest for middling ones, or the
    smallest for the largest, until they are as many bytes as are wanted."""
    found = [there[number * len(there) // files] for number in range(files)]
    total = sum(bytes_ for bytes_, _ in found)
    while total > size:
        total += found[files // 2][0] - found.pop()[0]
        found.insert(files // 2, found[files // 2])
    for number in range(files):
        if total >= size:
            break
        total += found[-1][0] - found[number][0]
        found[number] = found[-1]
    return found


def _files() -> Iterator[Found]:
    for source in SOURCES:
        for folder, folders, names in os.walk(source):
            folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    size = path.stat().st_size
                    if size <= LARGEST:
                        yield size, path
