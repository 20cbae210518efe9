"""Whom TLS connections trust: the hub's own CA beside the authorities that the image knows."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from .report import Exit, Stop, storage

# Where distributions keep the bundle: Debian, Fedora, openSUSE, Alpine.
COMMON_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
# OpenSSL and Node.js go on trusting (or never knew) what else they trust; the others forget it.
ADDING = ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
REPLACING = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")


class Trust(NamedTuple):
    """How we connect, and what tells the server to do likewise."""

    context: ssl.SSLContext
    env: dict[str, str]


def establish(ca: str | None, image_env: Mapping[str, str], directory: Path) -> Trust:
    """Trust the image's authorities, and `ca` by way of a combined bundle in `directory`."""
    known = _image_bundle(image_env)
    if ca is None:
        return Trust(ssl.create_default_context(cafile=known), {})
    bundle = directory / "ca-bundle.pem"
    with storage("claim", directory):
        bundle.write_bytes(ca.encode() + b"\n" + (Path(known).read_bytes() if known else b""))
    try:
        context = ssl.create_default_context(cafile=str(bundle))
    except ssl.SSLError:
        raise Stop(
            Exit.UNFIT,
            "claim",
            "The hub's CA in claim.json is no certificate. Ask the site's administrators.",
        ) from None
    # A bundle of the hub's CA alone would take the programs that have their own from the Internet.
    names = ADDING + REPLACING if known else ADDING
    return Trust(context, dict.fromkeys(names, str(bundle)))


def _image_bundle(image_env: Mapping[str, str]) -> str | None:
    openssl = ssl.get_default_verify_paths().openssl_cafile
    candidates = (image_env.get("SSL_CERT_FILE"), openssl, *COMMON_BUNDLES)
    return next((path for path in candidates if path and Path(path).is_file()), None)
