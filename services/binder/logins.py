"""What keeps people logged in to the service while it is restarted."""

from __future__ import annotations

from pathlib import Path

from hpcbinderhub.kept_secret import kept_secret

FILE = "cookie_secret"


def cookie_secret(state_dir: Path) -> bytes:
    """What signs our cookies. Were it another one after a restart, then a page that is open and
    comes back to us would be sent to log in, which a page's script cannot do."""
    return kept_secret(state_dir / FILE)
