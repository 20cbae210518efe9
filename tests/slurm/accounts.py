"""Accounts of this host, made for a test and gone after it; only root can."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make accounts")


@contextmanager
def accounts(**shells: str) -> Iterator[Path]:
    """Accounts of these names and shells; gives a folder that all can read, with their homes."""
    folder = Path(tempfile.mkdtemp(prefix="hpcbinderhub-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        for name, shell in shells.items():
            home = folder / "home" / name
            home.parent.mkdir(exist_ok=True)
            # '*' and not '!', which sshd takes for an account that is locked.
            command = ["useradd", "--create-home", "--home-dir", str(home), "--shell", shell]
            command += ["--user-group", "--no-log-init", "--skel", "/nonexistent"]
            subprocess.run([*command, "--password", "*", name], check=True, capture_output=True)
        yield folder
    finally:
        for name in shells:
            # Forced, since what sshd left of a connection may still end.
            subprocess.run(["userdel", "--force", name], capture_output=True)
        shutil.rmtree(folder)


def unused(name: str) -> str:
    """A name for an account that no other run of these tests has."""
    return f"hbh-{name}-{secrets.token_hex(3)}"


def start_file(user: str, name: str, text: str) -> None:
    """Let one of a user's shell's start files be this."""
    Path(pwd.getpwnam(user).pw_dir, name).write_text(text)
