"""Signatures as cosign makes and checks them: ECDSA over P-256 and SHA-256, with a key in a file.

An image in a registry is named by its manifest's digest in a small text, and that text is signed
(https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md). A file is signed as it is,
which takes its SHA-256 alone.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ..errors import UserError

ENDING = "sig"
"""Of the file beside an artefact with the signature over it, in base64."""

_OF_DIGEST = ec.ECDSA(Prehashed(hashes.SHA256()))


class Signer:
    """Signs with the site's key."""

    def __init__(self, key: ec.EllipticCurvePrivateKey):
        self._key = key

    def of_text(self, text: bytes) -> str:
        """The signature over some bytes, in base64."""
        return base64.b64encode(self._key.sign(text, ec.ECDSA(hashes.SHA256()))).decode()

    def of_file(self, sha256: str) -> str:
        """The signature over the file with this SHA-256, in base64."""
        return base64.b64encode(self._key.sign(bytes.fromhex(sha256), _OF_DIGEST)).decode()


def signer_of(path: str) -> Signer | None:
    """The site's, if it has named a key."""
    return Signer(_load(Path(path))) if path else None


def write_beside(artefact: Path, signature: str) -> None:
    """Put a signature beside the file that it is over, for the same readers."""
    target = artefact.with_suffix(f".{ENDING}")
    partial = target.with_name(f".partial-{target.name}")
    with partial.open("w") as file:
        os.fchmod(file.fileno(), stat.S_IMODE(artefact.stat().st_mode))
        file.write(signature)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(target)


def signed_text(repository: str, digest: str) -> bytes:
    """What is signed of an image in a registry: where it is, and its manifest's digest."""
    said = {
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": {},
    }
    return json.dumps(said, separators=(",", ":")).encode()


def is_signed(sha256: str, signature: str, public_key: Path) -> bool:
    """Whether the signature over the file with this SHA-256 is of the key's owner."""
    try:
        key = load_pem_public_key(public_key.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(
            f"{public_key} cannot be read as a public key.", "Name a PEM file.", detail=str(error)
        ) from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise UserError(f"{public_key} is no key for ECDSA.", "Name the one beside the site's key.")
    try:
        key.verify(base64.b64decode(signature), bytes.fromhex(sha256), _OF_DIGEST)
    except (InvalidSignature, ValueError):
        return False
    return True


def make_key(path: Path) -> Path:
    """Make a key for a site; the file with the public one, beside it."""
    key, public = ec.generate_private_key(ec.SECP256R1()), path.with_name(f"{path.name}.pub")
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UserError(f"{path} is there already.", "Use it, or name another file.") from None
    with open(handle, "wb") as file:
        file.write(text)
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return public


def _load(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise _unusable(path, "is open to other accounts; its mode must be 0600")
            key = load_pem_private_key(file.read(), password=None)
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from error
    except (ValueError, TypeError) as error:
        # TypeError: it wants a password. cosign's own encryption is no PEM that is known here.
        raise _unusable(path, "holds no key in PEM that can be read without a password") from error
    if not (isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)):
        raise _unusable(path, "holds a key of another kind than ECDSA over P-256")
    return key


def _unusable(path: Path, why: str) -> UserError:
    return UserError(
        f"The site's key for signing images, {path}, {why}.",
        "Tell your help desk: `hpcbinderhub signing-key` makes one.",
        status=503,
    )
