"""The address of this node by which the cluster's other nodes reach it."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from .errors import WorkersError
from .service import URL

INTERFACE = "HPCBINDER_WORKERS_INTERFACE"
"""Set by a site whose nodes talk to each other over another network than the one by whose names
they are known: the name of the interface, such as hsn0."""


def own_address(environ: Mapping[str, str] = os.environ) -> str:
    """The first that fits: the site's interface, what Slurm's name of this node stands for, what
    leads to the hub, what the host's name stands for. The loopback only if there is no other."""
    if environ.get(INTERFACE):
        return _of_interface(environ[INTERFACE])
    found = [address for address in _candidates(environ) if _ours(address)]
    beyond = [address for address in found if not ipaddress.ip_address(address).is_loopback]
    return (beyond or found or ["127.0.0.1"])[0]


def _of_interface(name: str) -> str:
    from distributed.utils import get_ip_interface

    try:
        return str(get_ip_interface(name))
    except (KeyError, ValueError):
        raise WorkersError(
            f"This node has no network interface “{name}” with an IPv4 address.",
            f"Ask the site's administrators to set {INTERFACE} right, or to leave it out.",
        ) from None


def _candidates(environ: Mapping[str, str]) -> Iterator[str]:
    yield from _named(environ.get("SLURMD_NODENAME", ""))
    yield from _leading_to(urlsplit(environ.get(URL, "")).hostname or "")
    yield from _named(socket.gethostname())


def _named(host: str) -> Iterator[str]:
    if host:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            return
        # Dask's workers find their own IPv4 address more surely.
        for _, _, _, _, address in sorted(found, key=lambda entry: entry[0] != socket.AF_INET):
            yield str(address[0]).partition("%")[0]


def _leading_to(host: str) -> Iterator[str]:
    for address in _named(host):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                # Nothing is sent: the kernel says by which of our addresses it would be.
                probe.connect((address, 443))
            except OSError:
                continue
            yield str(probe.getsockname()[0])


def _ours(address: str) -> bool:
    """Whether it is one of this node's: a name may stand for another's, such as a proxy's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
