"""What a build's namespace lets through, as text; nft itself reads it where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcbinderhub.builds.fence.network import (
    NEVER,
    addresses,
    filter_rules,
    hosts,
    slirp4netns,
)
from hpcbinderhub.builds.request import Endpoint, Network

PYPI = Endpoint(host="pypi.example.org", port=443)
HERE = Endpoint(host="10.20.0.1", port=3141)
FOUND = {PYPI: ["192.0.2.7", "192.0.2.8"], HERE: ["10.20.0.1"]}
ALWAYS = [
    'oifname "lo" accept',
    "meta nfproto ipv6 reject with icmpx admin-prohibited",
    "ip daddr { 0.0.0.0/8, 100.100.100.200/32, 127.0.0.0/8, 168.63.129.16/32, 169.254.0.0/16, "
    "198.18.0.2/32, 224.0.0.0/4, 255.255.255.255/32 } reject with icmpx admin-prohibited",
]


def rules(network: Network, own: tuple[str, ...] = ("10.20.0.1",)) -> list[str]:
    """The rules of the one chain, in their order."""
    text = filter_rules(network, own, FOUND)
    lines = [line.strip() for line in text.splitlines()]
    assert lines[:3] == [
        "table inet hpcbinderhub {",
        "chain output {",
        "type filter hook output priority 0; policy accept;",
    ]
    assert lines[-2:] == ["}", "}"]
    return lines[3:-2]


def test_an_open_network_is_open_but_for_the_host_and_what_the_site_denies() -> None:
    network = Network(denied=("10.0.0.0/8",))
    assert rules(network) == [
        *ALWAYS,
        "ip daddr 198.18.0.3 udp dport 53 accept",
        "ip daddr 198.18.0.3 tcp dport 53 accept",
        # The host's own address is within what the site denies, and nft takes no overlaps.
        "ip daddr { 10.0.0.0/8 } reject with icmpx admin-prohibited",
    ]


def test_what_is_listed_is_reached_before_what_is_denied_is_refused() -> None:
    network = Network(listed=(HERE,), denied=("10.0.0.0/8",))
    there, denied = rules(network)[-2:]
    assert there == "ip daddr 10.20.0.1 tcp dport 3141 accept"
    assert denied.endswith("reject with icmpx admin-prohibited")


def test_only_what_is_listed_is_reached_and_nothing_looks_names_up() -> None:
    assert rules(Network(mode="listed", listed=(PYPI, HERE))) == [
        *ALWAYS,
        "ip daddr 192.0.2.7 tcp dport 443 accept",
        "ip daddr 192.0.2.8 tcp dport 443 accept",
        "ip daddr 10.20.0.1 tcp dport 3141 accept",
        "reject with icmpx admin-prohibited",
    ]
    assert hosts(FOUND).splitlines() == [
        "127.0.0.1 localhost",
        "192.0.2.7 pypi.example.org",
        "192.0.2.8 pypi.example.org",
    ]


def test_nothing_is_reached_if_nothing_is_to_be() -> None:
    assert rules(Network(mode="none")) == [*ALWAYS, "reject with icmpx admin-prohibited"]


networks = st.ip_addresses(v=4).flatmap(
    lambda address: st.integers(0, 32).map(
        lambda bits: IPv4Network(f"{address}/{bits}", strict=False)
    )
)


@given(st.lists(networks, max_size=5), st.sampled_from(["open", "listed", "none"]))
def test_no_choice_of_a_site_comes_before_what_is_never_reached(
    denied: list[IPv4Network], mode: str
) -> None:
    first = next(rule for rule in rules(Network(mode=mode, denied=denied)) if "ip daddr" in rule)
    assert all(str(network) in first for network in NEVER)


@pytest.mark.skipif(not shutil.which("nft"), reason="nft is not installed")
@pytest.mark.parametrize("mode", ["open", "listed", "none"])
def test_nft_takes_the_rules(mode: str) -> None:
    network = Network(mode=mode, listed=(PYPI,), denied=("10.0.0.0/8", "10.0.0.0/16"))
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "nft", "-f", "-"],
        input=filter_rules(network, ["10.1.2.3", "192.0.2.1"], FOUND),
        capture_output=True,
        text=True,
    )
    if "unshare" in done.stderr:
        pytest.skip(f"no network namespace can be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr


def test_the_host_s_addresses_are_read_from_what_ip_tells() -> None:
    told = json.dumps(
        [
            {"ifname": "lo", "addr_info": [{"family": "inet", "local": "127.0.0.1"}]},
            {
                "ifname": "eth0",
                "addr_info": [
                    {"family": "inet", "local": "10.20.0.1"},
                    {"family": "inet6", "local": "fe80::1"},
                ],
            },
            {"ifname": "down0"},
        ]
    )
    assert addresses(told) == ["127.0.0.1", "10.20.0.1"]


def test_the_program_that_connects_us() -> None:
    assert slirp4netns(1, 5) == [
        *("slirp4netns", "--configure", "--mtu=65520", "--cidr=198.18.0.0/24"),
        *("--disable-host-loopback", "--ready-fd=5", "1", "tap0"),
    ]
