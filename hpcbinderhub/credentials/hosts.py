"""How the host of a credential is named: `git.example.org`, or `git.example.org:8443`.

One credential is for one host and port. The port that the scheme stands for is left out, so that a
host typed by hand and the host in an address are the same word.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..errors import UserError

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?(:[0-9]{1,5})?")


def host_of(url: str) -> str:
    """The host of a repository's address."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.hostname or ''}{port}"


def checked_host(text: str) -> str:
    """A host as somebody typed it; the address of a page there will do."""
    text = text.strip()
    try:
        host = host_of(text) if "://" in text else text.lower().removesuffix(":443")
    except ValueError:
        host = ""
    if not _HOST.fullmatch(host):
        raise UserError(
            f"“{text[:80]}” is not the name of a host.", "Enter a name like git.example.org."
        )
    return host
