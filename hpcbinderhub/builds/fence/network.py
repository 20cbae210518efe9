"""What a build reaches, as text for the programs that see to it.

The build's namespace has one way out, a program that makes connections on its behalf from the
host's network. What goes there has passed the namespace's own filter before, which no build step
may change: that takes a capability over the namespace that steps do not have. There is no IPv6.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, collapse_addresses

from hpcbinderhub.builds.request import Endpoint, Network

# Of the networks that are set apart for measuring devices: no host that a build needs is there.
INSIDE = "198.18.0.0/24"
GATEWAY, RESOLVER = "198.18.0.2", "198.18.0.3"

NEVER = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",  # Link-local, and where clouds keep a machine's metadata and credentials.
        "100.100.100.200/32",  # The same, at clouds that
        "168.63.129.16/32",  # have it elsewhere.
        "224.0.0.0/4",
        "255.255.255.255/32",
        f"{GATEWAY}/32",  # The host's loopback, if the program below were told so.
    )
)
"""Not reachable from any build, whatever a site says."""

REFUSE = "reject with icmpx admin-prohibited"


def slirp4netns(process: int, ready: int) -> list[str]:
    """Connects the namespace of a process, and says so on a file descriptor."""
    options = ["--configure", "--mtu=65520", f"--cidr={INSIDE}", "--disable-host-loopback"]
    return ["slirp4netns", *options, f"--ready-fd={ready}", str(process), "tap0"]


def filter_rules(
    network: Network, own: Iterable[str], found: Mapping[Endpoint, Sequence[str]]
) -> str:
    """The namespace's filter, for ``nft``: the first rule that fits decides.

    ``own`` are the host's addresses, at which it may answer more than it does to others.
    """
    rules = ['oifname "lo" accept', f"meta nfproto ipv6 {REFUSE}", _refused(NEVER)]
    if network.mode == "open":
        rules += [f"ip daddr {RESOLVER} {protocol} dport 53 accept" for protocol in ("udp", "tcp")]
    for endpoint in network.listed:
        rules += [
            f"ip daddr {address} tcp dport {endpoint.port} accept" for address in found[endpoint]
        ]
    denied = [*network.denied, *(IPv4Network(address) for address in own)]
    if network.mode == "open":
        rules += [_refused(denied)] if denied else []
    else:
        rules.append(REFUSE)
    lines = ["type filter hook output priority 0; policy accept;", *rules]
    body = "".join(f"        {line}\n" for line in lines)
    return f"table inet hpcbinderhub {{\n    chain output {{\n{body}    }}\n}}\n"


def _refused(networks: Iterable[IPv4Network]) -> str:
    # Where two overlap, nft refuses the set.
    joined = ", ".join(str(network) for network in collapse_addresses(networks))
    return f"ip daddr {{ {joined} }} {REFUSE}"


def hosts(found: Mapping[Endpoint, Sequence[str]]) -> str:
    """The namespace's ``/etc/hosts``: what was looked up for the filter is what names lead to."""
    lines = ["127.0.0.1 localhost"]
    lines += sorted(
        {
            f"{address} {endpoint.host}"
            for endpoint, addresses in found.items()
            for address in addresses
            if address != endpoint.host
        }
    )
    return "\n".join(lines) + "\n"


def addresses(told: str) -> list[str]:
    """The IPv4 addresses in what ``ip -json address`` tells."""
    return [
        entry["local"]
        for interface in json.loads(told)
        for entry in interface.get("addr_info", ())
        if entry.get("family") == "inet"
    ]
