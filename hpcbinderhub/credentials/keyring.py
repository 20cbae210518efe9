"""The keys that credentials and servers' secrets are encrypted with: a file, never the database.

One key a line, the newest first: it encrypts, and each of them decrypts. The file is read at every
use, so that a new key needs no restart.
"""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

from cryptography.fernet import Fernet, MultiFernet

from ..errors import NotAllowed, UserError


class Keyring:
    """The file that a site names, or none."""

    def __init__(self, path: str):
        self._path = path

    def __bool__(self) -> bool:
        return bool(self._path)

    async def cipher(self) -> MultiFernet:
        """What encrypts and decrypts; or a sentence about why nothing does."""
        if not self._path:
            raise NotAllowed(
                "This site keeps no credentials for private repositories.",
                "Make a public copy of the repository, or ask your help desk.",
            )
        return await asyncio.to_thread(self.load)

    def load(self) -> MultiFernet:
        """What encrypts and decrypts, of a site that names a file."""
        try:
            with open(self._path) as file:
                if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise _unusable("is open to other accounts; its mode must be 0600")
                return MultiFernet([Fernet(line) for line in file.read().split()])
        except OSError as error:
            raise _unusable(f"cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise _unusable("holds no key, or a line that is none") from error


def add_key(path: Path) -> None:
    """Put a new key before those that are there."""
    older = path.read_text() if path.exists() else ""
    beside = path.with_name(f"{path.name}.new")
    beside.touch(mode=0o600)
    beside.write_text(f"{Fernet.generate_key().decode()}\n{older}")
    beside.replace(path)


def _unusable(why: str) -> UserError:
    return UserError(
        f"The site's file with the keys for credentials {why}.", "Tell your help desk.", status=503
    )
