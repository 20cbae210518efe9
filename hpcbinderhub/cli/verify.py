"""`hpcbinderhub images verify`: whether an artefact is what the site made and signed."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from ..errors import UserError
from ..images.signing import ENDING, is_signed


def add_options(command: argparse.ArgumentParser) -> None:
    """Which files, and whose key."""
    command.add_argument(
        "file", nargs="+", type=Path, help="SHA256.squashfs, its SHA256.sig beside"
    )
    command.add_argument("--key", type=Path, required=True, help="the site's public key, PEM")


def verify(options: argparse.Namespace) -> None:
    """Check artefacts against their names and their signatures; `cosign verify-blob` does as well.

    Reads all of each file, and needs neither the service nor its configuration.
    """
    for path in options.file:
        _verify(path, options.key)
        print(f"{path} is as it was made, and signed.")


def _verify(path: Path, key: Path) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read.", "Name another file.", detail=str(error)
        ) from error
    if found != path.stem:
        raise UserError(
            f"{path} has changed: its SHA-256 is {found}.", "Remove it, and have it built again."
        )
    signature = path.with_suffix(f".{ENDING}")
    if not signature.exists():
        raise UserError(
            f"{path} is not signed.", "Images are signed when they are made: have it built again."
        )
    if not is_signed(found, signature.read_text(), key):
        raise UserError(
            f"The signature beside {path} is not by this key.", "Look whether it is the right key."
        )
