"""The two key pairs of a launch, by which the hub and its one server know each other.

Not by a common authority, as JupyterHub's `internal_ssl` has it: with that every server of every
user holds a certificate that is good for the same nodes, so that whoever takes over a freed port
is believed. Here each side accepts the one certificate that was made for this launch.
"""

from __future__ import annotations

import os
import ssl

from cryptography.x509.oid import ExtendedKeyUsageOID
from pydantic import BaseModel, ConfigDict

from ..keypairs import new_pair


class HopKeys(BaseModel):
    """What the hub knows of a launch's certificates, all of it PEM."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hub_key: str
    hub_certificate: str
    server_certificate: str
    server_key: str = ""
    """Only until the server has it: a lost answer to a claim is repeated as it was."""

    @classmethod
    def new(cls) -> HopKeys:
        """Keys for one launch."""
        hub = new_pair("hub", ExtendedKeyUsageOID.CLIENT_AUTH)
        server = new_pair("server", ExtendedKeyUsageOID.SERVER_AUTH)
        return cls(
            hub_key=hub.key,
            hub_certificate=hub.certificate,
            server_key=server.key,
            server_certificate=server.certificate,
        )

    def for_the_server(self) -> dict[str, str]:
        """The server's part: its own pair, and the only certificate that it answers."""
        return {
            "key": self.server_key,
            "certificate": self.server_certificate,
            "client": self.hub_certificate,
        }

    def without_the_servers(self) -> HopKeys:
        """What the hub goes on needing."""
        return self.model_copy(update={"server_key": ""})

    def context(self) -> ssl.SSLContext:
        """How the hub connects: as itself, to this launch's server and to nobody else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # The one certificate says who it is, wherever it runs; it has no name.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=self.server_certificate)
        _load(context, self.hub_certificate + self.hub_key)
        return context


def _load(context: ssl.SSLContext, pem: str) -> None:
    """OpenSSL takes a pair from a file only; this one is in memory."""
    file = os.memfd_create("hop")
    try:
        os.write(file, pem.encode())
        context.load_cert_chain(f"/proc/self/fd/{file}")
    finally:
        os.close(file)
