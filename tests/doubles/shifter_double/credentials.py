"""Registry logins in ~/.udiRoot/.cred (contract 3, Credentials)."""

import os
import pwd
from pathlib import Path

from . import munge


def credential_file() -> Path:
    """The caller's file, by her account and not by $HOME."""
    return Path(pwd.getpwuid(os.getuid()).pw_dir) / ".udiRoot" / ".cred"


def store_login(system: str, location: str, user: str, password: str) -> bool:
    """Keep one login; False when there is no munge to seal it with."""
    sealed = munge.encode(f"{user}:{password}")
    if sealed is None:
        return False
    path = credential_file()
    path.parent.mkdir(mode=0o700, exist_ok=True)
    kept = [line for line in _lines(path) if not line.startswith(f"{system}:{location}=")]
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as stream:
        stream.write("".join(f"{line}\n" for line in [*kept, f"{system}:{location}={sealed}"]))
    return True


def authorized_locations() -> dict[str, str]:
    """All logins as LOCATION -> user:password; expired and replayed seals are accepted."""
    found: dict[str, str] = {}
    for line in _lines(credential_file()):
        key, _, sealed = line.partition("=")
        _, _, location = key.partition(":")
        credential = munge.decode(sealed, reading_again=True)
        if credential is not None and credential.uid == os.getuid():
            found[location] = credential.payload
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
