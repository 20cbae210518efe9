"""munge credentials, where the machine has munge; anonymous where it has not (contract 4, Auth)."""

import re
import shutil
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Credential:
    """Who made a credential, and what it carries."""

    uid: int
    gid: int
    user: str
    payload: str


def encode(payload: str) -> str | None:
    """Make a credential, or None when there is no munge here that works."""
    if shutil.which("munge") is None:
        return None
    made = subprocess.run(
        ["munge", "-s", payload], capture_output=True, text=True, check=False, timeout=20
    )
    return made.stdout.strip() if made.returncode == 0 else None


def decode(credential: str, reading_again: bool = False) -> Credential | None:
    """Check a credential; None for a bad one, and for an expired or replayed one unless wanted."""
    if shutil.which("unmunge") is None:
        return None
    done = subprocess.run(
        ["unmunge"], input=credential, capture_output=True, text=True, check=False, timeout=20
    )
    # unmunge(1): 15 is expired, 17 is replayed; both decode all the same.
    if done.returncode and not (reading_again and done.returncode in (15, 17)):
        return None
    head, _, payload = done.stdout.partition("\n\n")
    uid = re.search(r"^UID:\s+(\S+) \((\d+)\)", head, re.MULTILINE)
    gid = re.search(r"^GID:\s+\S+ \((\d+)\)", head, re.MULTILINE)
    if uid is None or gid is None:
        return None
    return Credential(int(uid[2]), int(gid[1]), uid[1], payload.rstrip("\n"))
