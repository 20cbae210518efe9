"""The hub's own end of the way to one server: what the proxy is told to speak to."""

from __future__ import annotations

from functools import cache
from pwd import getpwnam
from urllib.parse import urlsplit

from hpcbinderhub.errors import UserError
from hpcbinderhub.hop.messages import Name, Open
from hpcbinderhub.hop.routes import Target
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.transport.configured import SSHAccess

from .record import JobRecord


def name_of(user: str, record: JobRecord) -> Name:
    """There is one way to each server of a user's, whatever launch it runs."""
    return Name(user, record.server)


@cache
def _proxy_uid(account: str) -> int | None:
    """Looked up once for the hub's lifetime: directories of accounts can be slow."""
    try:
        return getpwnam(account).pw_uid if account else None
    except KeyError:
        raise UserError(
            f"c.Site.hop_proxy_user is “{account}”, and this host has no such account.",
            "Name the account that the proxy runs as; leave it empty if that is the hub's.",
            status=500,
        ) from None


def way_in(site: Site, user: str, record: JobRecord) -> Open:
    """The way to a server that has said where it listens, from the port that it had before."""
    server = urlsplit(record.url)
    assert server.hostname
    assert server.port
    # Without SSH, the hub's own host is the login node.
    through_login = site.hop == "login" and site.transport == "ssh"
    return Open(
        name=name_of(user, record),
        target=Target(user, server.hostname, server.port),
        keys=record.hop.without_the_servers(),
        access=SSHAccess.of(site) if through_login else None,
        proxy=_proxy_uid(site.hop_proxy_user),
        address=site.hop_address,
        port=record.hop_port,
    )
