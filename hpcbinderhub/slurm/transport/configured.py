"""The way to the agent that a site has configured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from ...errors import UserError
from ..authorities import Authority, AuthorityCommand, AuthorityService
from ..certificates import Certificates
from .base import Transport
from .local import LocalTransport
from .ssh import SSHTransport

if TYPE_CHECKING:
    from ...site import Site


class SSHAccess(BaseModel):
    """What of `c.Site` says how its login nodes are reached, so that another process can be told.

    Nothing in it is secret: it names files and commands.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    login_hosts: tuple[str, ...]
    known_hosts: str
    agent_command: str
    certificate_command: tuple[str, ...]
    certificate_url: str
    certificate_token_file: str
    certificate_ca_file: str
    certificates_from_anywhere: bool
    hop: Literal["direct", "login"]

    @classmethod
    def of(cls, site: Site) -> SSHAccess:
        """As the site has it; the fields are its traits."""
        return cls(**{name: getattr(site, name) for name in cls.model_fields})

    def transport(self) -> SSHTransport:
        """Connections of its own."""
        certificates = Certificates(
            authority_of(self),
            self.agent_command,
            from_anywhere=self.certificates_from_anywhere,
            forwarding=self.hop == "login",
        )
        return SSHTransport(self.login_hosts, self.known_hosts, certificates, self.agent_command)


def transport_of(site: Site) -> Transport:
    """The one of `c.Site`."""
    if site.transport == "local":
        return LocalTransport(site.as_user_command)
    return SSHAccess.of(site).transport()


def authority_of(site: Site | SSHAccess) -> Authority:
    """Who signs the hub's keys."""
    if not site.certificate_url:
        return AuthorityCommand(site.certificate_command)
    if site.certificate_command:
        raise UserError(
            "c.Site.certificate_command and certificate_url are both set.", "Leave one of them out."
        )
    try:
        return AuthorityService(
            site.certificate_url, site.certificate_token_file, site.certificate_ca_file
        )
    except ValueError as error:
        raise UserError("c.Site.certificate_url cannot be used.", "", detail=str(error)) from error
