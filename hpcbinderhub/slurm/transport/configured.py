"""The way to the agent that a site has configured."""

from __future__ import annotations

from ...errors import UserError
from ...site import Site
from ..authorities import Authority, AuthorityCommand, AuthorityService
from ..certificates import Certificates
from .base import Transport
from .local import LocalTransport
from .ssh import SSHTransport


def transport_of(site: Site) -> Transport:
    """The one of `c.Site`."""
    if site.transport == "local":
        return LocalTransport(site.as_user_command)
    certificates = Certificates(authority_of(site), site.agent_command)
    return SSHTransport(site.login_hosts, site.known_hosts, certificates, site.agent_command)


def authority_of(site: Site) -> Authority:
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
