"""The crew's TLS, from PEM in memory to contexts that the forked workers share.

`distributed` writes a key that it is given as text into a temporary file, in every process anew.
Here it is read once, and from memory.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed.security import Security

from .grant import Tls


class CrewSecurity(Security):
    """Both ends hold the crew's one certificate, and accept no other."""

    def __init__(self, tls: Tls) -> None:
        super().__init__(require_encryption=True)
        self.connecting = _context(tls, ssl.Purpose.SERVER_AUTH)
        self.listening = _context(tls, ssl.Purpose.CLIENT_AUTH)

    def get_connection_args(self, role: str) -> dict[str, Any]:
        """What a connection is made with, whoever makes it."""
        extra = self.extra_conn_args
        return {
            **self.get_listen_args(role),
            "ssl_context": self.connecting,
            "extra_conn_args": extra,
        }

    def get_listen_args(self, role: str) -> dict[str, Any]:
        """What a port listens with."""
        return {"ssl_context": self.listening, "require_encryption": True}


def _context(tls: Tls, purpose: ssl.Purpose) -> ssl.SSLContext:
    context = ssl.create_default_context(purpose, cadata=tls.certificate)
    with _path(tls.certificate + "\n" + tls.key) as path:
        context.load_cert_chain(path)
    # Nodes are known by their addresses, and by holding the crew's certificate.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def _path(text: str) -> Iterator[str]:
    """A path for what Python reads from paths alone; on no disk, where the system allows."""
    try:
        descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
    except (AttributeError, OSError):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            yield file.name
        return
    with open(descriptor, "w") as file:
        file.write(text)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"
