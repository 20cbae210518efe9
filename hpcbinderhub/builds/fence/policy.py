"""What a site wants of its builds' fence, and what comes of that on one host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from traitlets import Enum, Integer, List, TraitError, Unicode, validate
from traitlets.config import Configurable, LoggingConfigurable

from hpcbinderhub.builds.builders.base import Builder
from hpcbinderhub.builds.fence.host import Host, examine
from hpcbinderhub.builds.request import Confinement, Endpoint, Network
from hpcbinderhub.errors import UserError

EVERYBODY = "*"
MODES: Mapping[str, Literal["open", "listed", "none"]] = {
    "open": "open",
    "proxy": "listed",
    "mirrors": "listed",
    "none": "none",
}
"""What a site's choice of a network comes to in a build's request."""


class BuildPolicy(LoggingConfigurable):
    """What builds may reach and use, and whose may run where a host cannot shut them in."""

    network = Enum(
        list(MODES),
        default_value="open",
        config=True,
        help="""What build steps reach: anything, `proxy` alone, the `mirrors` alone, or nothing.

        Never in any case: the build host's own loopback and addresses, link-local addresses (where
        clouds keep a machine's credentials), and IPv6.
        """,
    )
    mirrors = List(
        Unicode(),
        config=True,
        help="""Package mirrors and registries that builds may reach, as `host:port`.

        All that they reach if `network` is `mirrors`, so registries of base images belong here as
        well; otherwise exceptions from `denied_networks` and the host's own addresses. Example:
        `['pypi.example.org:443', 'registry.example.org:5000']`.
        """,
    )
    proxy = Unicode(
        "",
        config=True,
        help="""The proxy that build steps are told of; all that they reach if `network` says so.

        Example: `http://proxy.example.org:3128`.
        """,
    )
    denied_networks = List(
        Unicode(),
        config=True,
        help="""Networks that no build reaches: the site's own, which trusts who is inside.

        Example: `['10.0.0.0/8']`.
        """,
    )
    memory_mb = Integer(
        8192, min=256, config=True, help="How much memory a build's steps may use, in MiB."
    )
    processes = Integer(
        4096, min=64, config=True, help="How many processes and threads a build's steps may have."
    )
    trusted_builders = List(
        Unicode(),
        config=True,
        help="""Users whose builds run even where the host cannot keep them apart; `['*']`: all.

        On a host with network and process namespaces and an OCI runtime nobody needs to be named.
        On others a build step is held by chroot alone, and could read what the builder's account
        can. `hpcbinderhub check` says which kind a host is. Example: `['alice', 'bob']`.
        """,
    )

    @validate("mirrors")
    def _check_mirrors(self, proposal: Any) -> list[str]:
        for mirror in proposal.value:
            endpoint(mirror)
        return list(proposal.value)

    @validate("proxy")
    def _check_proxy(self, proposal: Any) -> str:
        if proposal.value:
            of_url(proposal.value)
        return str(proposal.value)

    @validate("denied_networks")
    def _check_networks(self, proposal: Any) -> list[str]:
        for text in proposal.value:
            try:
                IPv4Network(text)
            except ValueError as error:
                raise TraitError(f"{text!r} is not a network: {error}") from error
        return list(proposal.value)

    def wanted_network(self) -> Network:
        """The network of each build."""
        mirrors = [] if self.network == "proxy" else [endpoint(text) for text in self.mirrors]
        proxy = [of_url(self.proxy)] if self.proxy else []
        if self.network == "proxy" and not proxy:
            raise UserError(
                "Builds are to go through a proxy, and none is named.", "Set c.BuildPolicy.proxy."
            )
        return Network(
            mode=MODES[self.network],
            listed=() if self.network == "none" else (*mirrors, *proxy),
            denied=tuple(IPv4Network(text) for text in self.denied_networks),
        )

    def environment(self) -> dict[str, str]:
        """What build steps are told of the proxy, in the words of every program."""
        if not self.proxy:
            return {}
        names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
        return dict.fromkeys(names, self.proxy)


ONE_USER = (
    "Builds have a single user id: this account has no subordinate ones (/etc/subuid and "
    "/etc/subgid, with newuidmap and newgidmap), or its builder uses none. A step that becomes "
    "another user goes on as root, and all files are root's. Programs that refuse to be root, or "
    "look whether a file was given away, fail in such builds."
)


@dataclass(frozen=True)
class Fence:
    """What a site's policy comes to on one host."""

    policy: BuildPolicy
    host: Host

    def admit(self, asker: str) -> None:
        """Refuse a build that this host cannot keep apart, unless its user is trusted."""
        trusted = self.policy.trusted_builders
        if not self.host.holds_strangers and not {asker, EVERYBODY} & set(trusted):
            raise UserError(
                "This build host cannot keep a build apart from others, so it builds only for "
                "users that the site trusts.",
                "Ask your site's admin, whom `hpcbinderhub check` tells what the host lacks.",
            )

    def confinement(self, hidden: Iterable[Path] = ()) -> Confinement:
        """How each build is shut in."""
        # A daemon may be spoken to over the host's network.
        is_around = not (self.host.no_network or self.host.beyond)
        return Confinement(
            isolation="chroot" if self.host.no_oci else "oci",
            network=self.policy.wanted_network() if is_around else None,
            cgroup=self.host.cgroup,
            hidden=tuple(hidden),
        )

    def findings(self) -> list[str]:
        """What an admin should know, in sentences."""
        host, policy = self.host, self.policy
        if host.beyond:
            return [host.beyond, *host.weaknesses, self._who()]
        network = {
            "open": "all but this host and what the site denies",
            "proxy": f"the proxy {policy.proxy} alone",
            "mirrors": f"{', '.join(policy.mirrors)} alone",
            "none": "nothing",
        }[policy.network]
        return [
            _finding(
                "Steps run in containers of their own (OCI isolation).",
                "Steps are held by chroot alone (chroot isolation): they run as the builder's "
                "account, and a flaw in the kernel or in the builder lets them read what it can.",
                host.no_oci,
            ),
            _finding(
                "Builds have process namespaces of their own.",
                "Builds see the processes of the builder's account.",
                host.no_processes,
            ),
            _finding(
                f"Builds have networks of their own, which reach {network}.",
                "Builds use this host's network, its loopback and its metadata addresses included.",
                host.no_network,
            ),
            f"Memory ({policy.memory_mb} MiB) and processes ({policy.processes}) of a build are "
            + (
                f"limited by the kernel (cgroup {host.cgroup})."
                if host.cgroup
                else "limited for each process and user, and watched in total: this account has no "
                "cgroup of its own (a systemd unit has with Delegate=yes)."
            ),
            *([ONE_USER] if host.one_user else []),
            *host.weaknesses,
            self._who(),
        ]

    def _who(self) -> str:
        trusted = self.policy.trusted_builders
        if self.host.holds_strangers:
            return "So this host builds for everybody."
        if EVERYBODY in trusted:
            return (
                "So this host should build for trusted users only. It builds for everybody, since "
                "c.BuildPolicy.trusted_builders says so."
            )
        if trusted:
            return f"So this host builds for trusted users only: {', '.join(trusted)}."
        return "So this host builds for nobody: c.BuildPolicy.trusted_builders names no user."

    @property
    def builds(self) -> bool:
        """Whether there is anybody for whom this host builds."""
        return self.host.holds_strangers or bool(self.policy.trusted_builders)


def _finding(well: str, otherwise: str, why: str) -> str:
    return f"{otherwise} Why: {why}" if why else well


def fence_here(
    site: Configurable,
    builder: Builder,
    base_image: str,
    divide: Callable[[Path], bool] | None = None,
) -> Fence:
    """The fence of this host, as the same files configure it as the site.

    ``divide`` is for who builds: it makes this account's control group ready for builds.
    """
    policy = BuildPolicy(parent=site)
    host = examine(builder, base_image, policy.wanted_network())
    if divide and host.cgroup and not divide(host.cgroup):
        host = replace(host, cgroup=None)
    return Fence(policy, host)


def endpoint(text: str) -> Endpoint:
    """A host and its port."""
    host, _, port = text.rpartition(":")
    if not host or not re.fullmatch(r"[0-9]{1,5}", port):
        raise TraitError(f"{text!r} is not a host with its port, such as 'pypi.example.org:443'")
    try:
        return Endpoint(host=host, port=int(port))
    except ValueError as error:
        raise TraitError(f"{text!r} is not a host with its port: {error}") from error


def of_url(text: str) -> Endpoint:
    """The host and port of a proxy's address."""
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.username:
        raise TraitError(
            f"{text!r} is not a proxy's address without a password, such as "
            "'http://proxy.example.org:3128'"
        )
    return endpoint(f"{url.hostname}:{url.port or {'http': 80, 'https': 443}[url.scheme]}")
