"""A directory on the node itself for what workers spill."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..report import say

PLACES = ("SLURM_TMPDIR", "TMPDIR")


def make(env: Mapping[str, str]) -> Path:
    """A new directory whose name nobody can know beforehand.

    Not in a home, neither a launch's nor the user's: that is shared storage with a small quota,
    which spilling on many nodes would fill.
    """
    homes = [Path(env[name]) for name in ("HOME",) if env.get(name)]
    # Containers need not know their users.
    with suppress(KeyError):
        homes.append(Path(pwd.getpwuid(os.geteuid()).pw_dir))
    for place in [env[name] for name in PLACES if env.get(name)]:
        inside = [at for at in homes if _is_inside(Path(place), at)]
        if inside:
            say("node", f"{place} is in {inside[0]}, so that nothing is spilled there.")
        elif os.access(place, os.W_OK | os.X_OK):
            return Path(tempfile.mkdtemp(prefix="hpcbinder-node-", dir=place))
    return Path(tempfile.mkdtemp(prefix="hpcbinder-node-", dir="/tmp"))


def _is_inside(place: Path, home: Path) -> bool:
    place, home = place.resolve(), home.resolve()
    # A user without a home has the root directory for one.
    return home != Path("/") and home in (place, *place.parents)
