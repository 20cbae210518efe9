"""Other origins: whose pages may use the API, and how.

The safe minimum: with a token, and only from origins that the site names. A cookie is never good
for another origin's page, so `Access-Control-Allow-Credentials` is never sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

_ALLOWED_HEADERS = "Accept, Authorization, Cache-Control, Content-Type, Last-Event-ID"
_EXPOSED_HEADERS = "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"


def cors_headers(origin: str, allowed: Sequence[str]) -> dict[str, str]:
    """What an answer says to a browser about other origins."""
    if not allowed:
        return {}
    if "*" not in allowed and origin not in allowed:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": "*" if "*" in allowed else origin,
        "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
        "Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE, OPTIONS",
        "Access-Control-Expose-Headers": _EXPOSED_HEADERS,
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    }


def is_foreign(origin: str, *own: str) -> bool:
    """Whether a request's `Origin` is none of our own addresses. Without one, nothing is known."""
    return bool(origin) and _site(origin) not in {_site(address) for address in own}


def _site(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; the port that the scheme stands for if none is given."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ("", address, None)
    return (parts.scheme, parts.hostname or "", port)
