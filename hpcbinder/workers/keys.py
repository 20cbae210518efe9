"""A crew's keys, made here where there is no service that makes them."""

from __future__ import annotations

from distributed.security import Security

from .crew import Keys
from .errors import WorkersError


def new_keys() -> Keys:
    """A certificate that is its own authority; it proves who belongs to the crew and nothing
    else, and there is no second one like it."""
    try:
        made = Security.temporary()
    except ImportError:
        raise WorkersError(
            "Without a hub, making the workers' keys needs the package cryptography.",
            "Install it: pip install cryptography.",
        ) from None
    return Keys(made.tls_client_cert, made.tls_client_key)
