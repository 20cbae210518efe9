"""What a site's choices come to on hosts of several kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets import TraitError
from traitlets.config import Config

from hpcbinderhub.builds.fence.host import Host
from hpcbinderhub.builds.fence.policy import BuildPolicy, Fence
from hpcbinderhub.errors import UserError

WHOLE = Host(cgroup=Path("/sys/fs/cgroup/builder"))
HOSTS = {
    "no containers": Host(no_oci="runc: no such file"),
    "no network": Host(no_network="slirp4netns cannot be run"),
    "no process namespace": Host(no_processes="The kernel refuses it."),
}


def policy(**traits: Any) -> BuildPolicy:
    """A policy as a configuration file would make it."""
    return BuildPolicy(config=Config({"BuildPolicy": traits}))


def test_a_host_that_can_shut_builds_in_builds_for_everybody() -> None:
    fence = Fence(policy(), WHOLE)
    fence.admit("anybody")
    confinement = fence.confinement(hidden=[Path("/var/lib/builder/worker-token")])
    assert confinement.isolation == "oci"
    assert confinement.network is not None
    assert confinement.network.mode == "open"
    assert confinement.cgroup == Path("/sys/fs/cgroup/builder")
    assert confinement.hidden == (Path("/var/lib/builder/worker-token"),)


@pytest.mark.parametrize("lacking", HOSTS)
def test_a_host_that_cannot_builds_for_trusted_users_only(lacking: str) -> None:
    fence = Fence(policy(trusted_builders=["alice"]), HOSTS[lacking])
    fence.admit("alice")
    for other in ("bob", ""):
        with pytest.raises(UserError, match="only for users that the site trusts"):
            fence.admit(other)
    assert "trusted users only: alice" in fence.findings()[-1]


@pytest.mark.parametrize("lacking", HOSTS)
def test_by_default_nobody_is_trusted(lacking: str) -> None:
    fence = Fence(policy(), HOSTS[lacking])
    assert not fence.builds
    with pytest.raises(UserError):
        fence.admit("alice")
    assert "builds for nobody" in fence.findings()[-1]


def test_a_site_may_trust_everybody_and_is_told_what_that_means() -> None:
    fence = Fence(policy(trusted_builders=["*"]), HOSTS["no containers"])
    fence.admit("anybody")
    assert fence.confinement().isolation == "chroot"
    first, *_, last = fence.findings()
    assert "chroot isolation" in first
    assert "runc: no such file" in first
    assert "should build for trusted users only" in last


@pytest.mark.parametrize(
    ("traits", "mode", "listed"),
    [
        ({}, "open", []),
        ({"mirrors": ["pypi:443"]}, "open", ["pypi:443"]),
        ({"network": "mirrors", "mirrors": ["a:1", "b:2"]}, "listed", ["a:1", "b:2"]),
        (
            {"network": "mirrors", "mirrors": ["a:1"], "proxy": "http://p"},
            "listed",
            ["a:1", "p:80"],
        ),
        ({"network": "proxy", "mirrors": ["a:1"], "proxy": "https://p"}, "listed", ["p:443"]),
        ({"network": "none", "mirrors": ["a:1"]}, "none", []),
    ],
)
def test_the_network_of_builds(traits: dict[str, Any], mode: str, listed: list[str]) -> None:
    network = policy(**traits).wanted_network()
    assert network.mode == mode
    assert [f"{endpoint.host}:{endpoint.port}" for endpoint in network.listed] == listed


def test_steps_are_told_of_the_proxy() -> None:
    told = policy(proxy="http://proxy.example.org:3128").environment()
    assert set(told) == {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"}
    assert set(told.values()) == {"http://proxy.example.org:3128"}
    assert policy().environment() == {}


@pytest.mark.parametrize(
    "traits",
    [
        {"mirrors": ["pypi.example.org"]},
        {"mirrors": ["pypi.example.org:https"]},
        {"mirrors": ["a b:80"]},
        {"mirrors": ["a:99999"]},
        {"proxy": "proxy.example.org:3128"},
        {"proxy": "http://user:secret@proxy.example.org"},
        {"denied_networks": ["10.0.0.1/8"]},
        {"network": "whatever"},
    ],
)
def test_what_cannot_be_meant_is_refused(traits: dict[str, Any]) -> None:
    with pytest.raises(TraitError):
        policy(**traits)


def test_a_proxy_that_has_no_name_is_asked_for() -> None:
    with pytest.raises(UserError, match="none is named"):
        policy(network="proxy").wanted_network()
