"""What keeps people logged in to the service while it is restarted."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

LENGTH = 32
FILE = "cookie_secret"


def cookie_secret(state_dir: Path) -> bytes:
    """What signs our cookies. Were it another one after a restart, then a page that is open and
    comes back to us would be sent to log in, which a page's script cannot do."""
    path = state_dir / FILE
    if path.exists() and len(kept := path.read_bytes()) == LENGTH:
        return kept
    made = secrets.token_bytes(LENGTH)
    state_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=state_dir, delete=False) as file:  # Mode 0600.
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)
    return made
