"""The signer: a real ssh-keygen, and everything it must refuse."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import asyncssh
import pytest

from hpcbinderhub.slurm.signing import SigningPolicy, sign


@pytest.fixture
def policy(tmp_path: Path) -> SigningPolicy:
    key = tmp_path / "authority"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return SigningPolicy(key, "/usr/libexec/hpcbinderhub/agent", "10.0.0.1,10.1.0.0/16")


def request(principal: str) -> str:
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    return json.dumps({"principal": principal, "public_key": key})


def test_a_certificate_is_for_one_user_one_command_and_minutes(
    policy: SigningPolicy, tmp_path: Path
) -> None:
    (tmp_path / "cert.pub").write_text(sign(policy, request("alice")))
    shown = subprocess.run(
        ["ssh-keygen", "-L", "-f", str(tmp_path / "cert.pub")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "force-command /usr/libexec/hpcbinderhub/agent" in shown
    assert "source-address 10.0.0.1,10.1.0.0/16" in shown
    assert "Extensions: (none)" in shown
    principals = shown.partition("Principals:")[2].partition("Critical")[0].split()
    assert principals == ["alice"]


@pytest.mark.parametrize("principal", ["root", "", "-x", "alice,root", "a b", "../x", "Alice\n"])
def test_nobody_gets_a_certificate_for(policy: SigningPolicy, principal: str) -> None:
    with pytest.raises(ValueError, match="no certificate for"):
        sign(policy, request(principal))
