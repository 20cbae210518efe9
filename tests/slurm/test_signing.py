"""The signer: a real ssh-keygen, and everything it must refuse."""

from __future__ import annotations

import grp
import json
import pwd
import socket
import subprocess
import sys
from dataclasses import replace
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


@pytest.mark.parametrize(
    "principal",
    [
        "root",
        "toor",
        "slurm",
        "gitlab-runner",
        "",
        "-x",
        "alice,root",
        "a b",
        "../x",
        "Alice\n",
        "alice\n",
        "a" * 33,
    ],
)
def test_nobody_gets_a_certificate_for(policy: SigningPolicy, principal: str) -> None:
    with pytest.raises(ValueError, match="no certificate for"):
        sign(policy, request(principal))


def test_system_accounts_and_those_that_the_site_names_get_none(policy: SigningPolicy) -> None:
    # Debian's own, which no list of names has.
    with pytest.raises(ValueError, match="no certificate for '_apt'"):
        sign(policy, request("_apt"))
    assert sign(replace(policy, min_uid=1), request("_apt"))
    with pytest.raises(ValueError, match="no certificate for 'shared'"):
        sign(replace(policy, refused=frozenset({"shared"})), request("shared"))


def test_where_a_group_is_named_its_members_alone_get_one(policy: SigningPolicy) -> None:
    """`_apt` is in no group but its own; `alice` is not known here at all."""
    own = grp.getgrgid(pwd.getpwnam("_apt").pw_gid).gr_name
    policy = replace(policy, min_uid=1)
    assert sign(replace(policy, group=own), request("_apt"))
    for principal, group in (("_apt", "users"), ("alice", own)):
        with pytest.raises(ValueError, match=f"no certificate for '{principal}'"):
            sign(replace(policy, group=group), request(principal))
    with pytest.raises(LookupError, match="nobody-made-it"):
        sign(replace(policy, group="nobody-made-it"), request("_apt"))


@pytest.mark.parametrize(
    "asked",
    [
        "[]",
        "nothing",
        '{"principal": "alice"}',
        '{"principal": "alice", "public_key": "x", "options": []}',
        '{"principal": ["alice"], "public_key": "x"}',
        '{"principal": "alice", "public_key": "x"}',
        '{"principal": "alice", "public_key": "-O no-x ssh-ed25519 AAAA"}',
        '{"principal": "alice", "public_key": "ssh-ed25519 AAAA\\nssh-ed25519 AAAB"}',
        '{"principal": "alice", "public_key": "ssh-ed25519-cert-v01@openssh.com AAAA"}',
    ],
    ids=range(9),
)
def test_what_is_no_request_is_not_signed(policy: SigningPolicy, asked: str) -> None:
    with pytest.raises(ValueError, match=r"request|texts|public key|Expecting"):
        sign(policy, asked)


def test_each_request_is_a_line_in_the_systems_log(policy: SigningPolicy, tmp_path: Path) -> None:
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind(str(tmp_path / "log"))
    log.settimeout(60)
    command = [str(Path(sys.executable).with_name("hpcbinderhub-sign"))]
    command += [f"--authority-key={policy.authority_key}", "--force-command=agent"]
    command += ["--source-addresses=10.0.0.1", f"--syslog={tmp_path / 'log'}"]

    def ask(user: str, *more: str) -> tuple[int, str]:
        done = subprocess.run(
            [*command, *more],
            input=request(user),
            capture_output=True,
            text=True,
            env={"SUDO_USER": "hub", "PATH": "/usr/bin"},
        )
        return done.returncode, done.stdout + done.stderr

    status, text = ask("alice")
    assert status == 0
    (tmp_path / "cert.pub").write_text(text)
    shown = ["ssh-keygen", "-L", "-f", str(tmp_path / "cert.pub")]
    told = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    serial = told.partition("Serial: ")[2].split()[0]
    said = log.recv(1000).decode()
    assert f"hpcbinderhub-sign: signed for alice, serial {serial}, for hub" in said
    status, text = ask("root")
    assert (status, text) == (1, "No certificate: no certificate for 'root'\n")
    assert (
        "hpcbinderhub-sign: refused for hub: no certificate for 'root'" in log.recv(1000).decode()
    )
    log.close()
    # A log that was named and is not there: then nothing is signed.
    (tmp_path / "log").unlink()
    assert ask("alice")[0] == 1


def test_forwarding_is_allowed_only_where_the_site_says_so(
    policy: SigningPolicy, tmp_path: Path
) -> None:
    policy = replace(policy, permit_port_forwarding=True)
    (tmp_path / "cert.pub").write_text(sign(policy, request("alice")))
    shown = ["ssh-keygen", "-L", "-f", str(tmp_path / "cert.pub")]
    told = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    assert told.partition("Extensions:")[2].split() == ["permit-port-forwarding"]
