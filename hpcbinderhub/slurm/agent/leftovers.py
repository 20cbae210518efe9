"""What is left in an artefact store by conversions, imports and transfers that were killed.

Whoever owns the store removes it. Nothing of this is touched for a day: whatever goes on writes its
files, or ended long before.
"""

import glob
import os
import re
import shutil
import time
from typing import Iterator, Tuple

ABANDONED_SECONDS = 24 * 3600
OF_IMPORTS = (".partial-import-*", ".import-*")
ALL = (".partial-*", ".import-*")
NOTE = re.compile(r"([0-9a-f]{64})\.(json|cdx\.json|sig)\Z")


def remove_leftovers(store: str, patterns: Tuple[str, ...] = ALL) -> None:
    """Remove unfinished files and base images, folders of imports, and notes about artefacts that
    never came."""
    before = time.time() - ABANDONED_SECONDS
    below = [glob.glob(os.path.join(glob.escape(store), name, "*")) for name in ("readers", "base")]
    for folder in [store] + below[0] + below[1]:
        for path in unfinished(folder, patterns):
            try:
                status = os.lstat(path)
                if status.st_mtime >= before or status.st_uid != os.geteuid():
                    continue
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    os.unlink(path)
            except FileNotFoundError:
                continue


def unfinished(folder: str, patterns: Tuple[str, ...]) -> Iterator[str]:
    for pattern in patterns:
        for path in glob.glob(os.path.join(glob.escape(folder), pattern)):
            yield path
    names = set(os.listdir(folder)) if os.access(folder, os.R_OK) else set()
    for name in names:
        note = NOTE.match(name)
        if note and note.group(1) + ".squashfs" not in names:
            yield os.path.join(folder, name)
