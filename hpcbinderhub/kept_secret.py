"""A secret of our own that is the same after a restart: a file, made where there is none."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

LENGTH = 32


def kept_secret(path: Path) -> bytes:
    """What the file holds, which is for this account alone."""
    if path.exists() and len(kept := path.read_bytes()) == LENGTH:
        return kept
    made = secrets.token_bytes(LENGTH)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:  # Mode 0600.
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)
    return made
