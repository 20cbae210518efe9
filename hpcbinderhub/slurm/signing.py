"""The signer of SSH certificates: `hpcbinderhub-sign`, run as the account that owns the authority.

It decides everything but the user and the key: how long, which command, from where. It starts on
every new connection of the hub's, so it imports little and leaves the signing to `ssh-keygen`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

LIFETIME_SECONDS = 300
CLOCK_SKEW_SECONDS = 60
_PRINCIPAL = re.compile(r"^[a-z_][a-z0-9_.-]{0,31}$")


@dataclass(frozen=True)
class SigningPolicy:
    """What the signer puts into every certificate, whatever the request says."""

    authority_key: Path
    force_command: str
    source_addresses: str
    """Comma-separated addresses or networks that the hub connects from; empty for anywhere."""


def sign(policy: SigningPolicy, request: str) -> str:
    """The certificate for one request. ValueError if it is not allowed."""
    asked = json.loads(request)
    principal, public_key = str(asked["principal"]), str(asked["public_key"]).strip()
    if not _PRINCIPAL.match(principal) or principal == "root":
        raise ValueError(f"no certificate for {principal!r}")
    if "\n" in public_key:
        raise ValueError("one public key at a time")
    options = ["-O", "clear", "-O", f"force-command={policy.force_command}"]
    if policy.source_addresses:
        options += ["-O", f"source-address={policy.source_addresses}"]
    with tempfile.TemporaryDirectory() as directory:
        public = Path(directory, "key.pub")
        public.write_text(public_key + "\n")
        validity = f"-{CLOCK_SKEW_SECONDS}s:+{LIFETIME_SECONDS}s"
        subject = ["-I", f"hpcbinderhub:{principal}", "-n", principal, "-V", validity]
        subprocess.run(
            ["ssh-keygen", "-q", "-s", str(policy.authority_key), *subject, *options, str(public)],
            check=True,
            capture_output=True,
        )
        return Path(directory, "key-cert.pub").read_text()


def main() -> int:
    """A request on standard input, the certificate on standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--authority-key", type=Path, required=True)
    parser.add_argument("--force-command", required=True, help="the agent on the login nodes")
    parser.add_argument("--source-addresses", default="", help="where the hub connects from")
    options = parser.parse_args()
    policy = SigningPolicy(options.authority_key, options.force_command, options.source_addresses)
    try:
        sys.stdout.write(sign(policy, sys.stdin.read()))
    except (KeyError, ValueError, subprocess.CalledProcessError) as error:
        print(f"No certificate: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
