"""The signer of SSH certificates: `hpcbinderhub-sign`, run as the account that owns the authority.

It decides everything but the user and the key: how long, which command, from where, and for whom
never. It starts on every new connection of the hub's, so it imports little and leaves the signing
to `ssh-keygen`. Each request is a line in the system's log.
"""

from __future__ import annotations

import argparse
import grp
import json
import logging
import logging.handlers
import os
import pwd
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LIFETIME_SECONDS = 300
CLOCK_SKEW_SECONDS = 330
"""How much earlier a certificate begins, for login nodes whose clocks are slow."""
REQUEST_BYTES = 16384
SYSLOG = "/dev/log"

_PRINCIPAL = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_IDENTITY = re.compile(r"hpcbinderhub:[^:]+:([0-9]+)")
_PUBLIC_KEY = re.compile(r"(ssh-ed25519|ecdsa-sha2-nistp[0-9]+|ssh-rsa) [A-Za-z0-9+/]+=*")
NEVER = {
    *("root", "toor", "daemon", "bin", "sys", "sync", "adm", "mail", "www-data", "operator"),
    *("nobody", "sshd", "messagebus", "syslog", "slurm", "munge", "mysql", "postgres"),
    *("admin", "backup", "dbus", "ftp", "games", "git", "gitlab-runner", "halt", "jenkins", "ldap"),
    *("list", "lp", "news", "nfsnobody", "nginx", "nscd", "polkitd", "proxy", "rpc", "rpcuser"),
    *("shutdown", "sssd", "tss", "ubuntu", "uucp", "vagrant", "apache", "chrony", "ntp", "puppet"),
}
"""Accounts that are no person's on any system."""

audit = logging.getLogger("hpcbinderhub-sign")


@dataclass(frozen=True)
class SigningPolicy:
    """What the signer puts into every certificate, whatever the request says."""

    authority_key: Path
    force_command: str
    source_addresses: str
    """Comma-separated addresses or networks that the hub connects from; empty for anywhere."""
    refused: frozenset[str] = frozenset()
    """Accounts of the site that never get one, beside those that no site has for people."""
    min_uid: int = 1000
    """The least number of an account that this host knows too."""
    group: str = ""
    """Whose members alone get one, by what this host knows; empty for everybody who is not
    refused."""
    permit_port_forwarding: bool = False
    """Whether connections may be forwarded, for sites whose hub reaches no compute node."""


def check_principal(name: str) -> None:
    """ValueError if nobody may be this account by way of a certificate."""
    if not _PRINCIPAL.fullmatch(name) or name in NEVER:
        raise ValueError(f"no certificate for {name!r}")


def moment_of(identity: str) -> int | None:
    """When a certificate with this identity was signed, by the signer's own clock; None if it does
    not say."""
    said = _IDENTITY.fullmatch(identity)
    return int(said[1]) if said else None


def sign(policy: SigningPolicy, request: str, clock: Callable[[], float] = time.time) -> str:
    """The certificate for one request. ValueError if it is not allowed."""
    principal, public_key = _asked(request)
    _check(policy, principal)
    serial, moment = str(secrets.randbits(63)), int(clock())
    options = ["-O", "clear", "-O", f"force-command={policy.force_command}"]
    if policy.source_addresses:
        options += ["-O", f"source-address={policy.source_addresses}"]
    if policy.permit_port_forwarding:
        options += ["-O", "permit-port-forwarding"]
    with tempfile.TemporaryDirectory() as directory:
        public = Path(directory, "key.pub")
        public.write_text(public_key + "\n")
        options += ["-V", f"{_utc(moment - CLOCK_SKEW_SECONDS)}:{_utc(moment + LIFETIME_SECONDS)}"]
        subject = ["-I", f"hpcbinderhub:{principal}:{moment}", "-n", principal, "-z", serial]
        subprocess.run(
            ["ssh-keygen", "-q", "-s", str(policy.authority_key), *subject, *options, str(public)],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TZ": "UTC"},
        )
        audit.info("signed for %s, serial %s, for %s", principal, serial, _caller())
        return Path(directory, "key-cert.pub").read_text()


def _utc(moment: int) -> str:
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(moment))


def _asked(request: str) -> tuple[str, str]:
    asked = json.loads(request)
    if not isinstance(asked, dict) or asked.keys() != {"principal", "public_key"}:
        raise ValueError("a request has a principal and a public key, and nothing else")
    principal, public_key = asked["principal"], asked["public_key"]
    if not isinstance(principal, str) or not isinstance(public_key, str):
        raise ValueError("a principal and a public key are texts")
    # A comment would go into the certificate's file, and is of no use.
    public_key = " ".join(public_key.strip(" \n").split(" ")[:2])
    if not _PUBLIC_KEY.fullmatch(public_key):
        raise ValueError("this is no public key")
    return principal, public_key


def _check(policy: SigningPolicy, principal: str) -> None:
    check_principal(principal)
    try:
        account = pwd.getpwnam(principal)
    except KeyError:
        # The hub's host need not know the cluster's people, if no group of them was named.
        account = None
    too_low = account is not None and account.pw_uid < policy.min_uid
    if too_low or principal in policy.refused or not _is_member(account, policy.group):
        raise ValueError(f"no certificate for {principal!r}")


def _is_member(account: pwd.struct_passwd | None, group: str) -> bool:
    """KeyError, which is a mistake of the wrapper's, if there is no such group."""
    if not group:
        return True
    number = grp.getgrnam(group).gr_gid
    return account is not None and number in os.getgrouplist(account.pw_name, account.pw_gid)


def _caller() -> str:
    return os.environ.get("SUDO_USER") or str(os.getuid())


def _log_to(syslog: str | None) -> None:
    """Without a system's log, as in a container, there is none; one that was named must be."""
    audit.setLevel(logging.INFO)
    if not os.path.exists(syslog or SYSLOG):
        if syslog:
            raise FileNotFoundError(f"there is no {syslog} to write into")
        audit.addHandler(logging.NullHandler())
        return
    handler = logging.handlers.SysLogHandler(
        syslog or SYSLOG, facility=logging.handlers.SysLogHandler.LOG_AUTHPRIV
    )
    handler.ident = "hpcbinderhub-sign: "
    audit.addHandler(handler)


def main() -> int:
    """A request on standard input, the certificate on standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--authority-key", type=Path, required=True)
    parser.add_argument("--force-command", required=True, help="the agent on the login nodes")
    parser.add_argument("--source-addresses", default="", help="where the hub connects from")
    parser.add_argument("--refuse", default="", help="more accounts that never get one, by commas")
    parser.add_argument("--group", default="", help="whose members alone get one, as known here")
    parser.add_argument(
        "--min-uid", type=int, default=1000, help="the least uid of accounts that this host knows"
    )
    parser.add_argument(
        "--permit-port-forwarding",
        action="store_true",
        help="for c.Site.hop = 'login': allow forwarding",
    )
    parser.add_argument(
        "--syslog", help=f"the socket of the system's log ({SYSLOG} if it is there)"
    )
    options = parser.parse_args()
    policy = SigningPolicy(
        options.authority_key,
        options.force_command,
        options.source_addresses,
        frozenset(filter(None, options.refuse.split(","))),
        options.min_uid,
        options.group,
        options.permit_port_forwarding,
    )
    try:
        _log_to(options.syslog)
        sys.stdout.write(sign(policy, sys.stdin.read(REQUEST_BYTES)))
    except (OSError, LookupError, ValueError, subprocess.CalledProcessError) as error:
        audit.warning("refused for %s: %s", _caller(), error)
        print(f"No certificate: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
