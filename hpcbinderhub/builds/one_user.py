"""Building with a single user id, for an account that the site grants no further ones.

In a user namespace of such an account there is root and nobody else: a file cannot be given away,
and a process cannot become another user. What installs packages asks for both all the time. So the
kernel is told to do nothing of this and to say that it was done, as Charliecloud has it. What
belongs to whom is lost. No engine asks for it: each shows all of an image as its reader's own.

As a script it shuts itself in so and goes on as another command. It stands for itself then, without
the package around it.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

PRETENDED = (
    *("chown", "chown32", "fchown", "fchown32", "fchownat", "lchown", "lchown32"),
    *("setuid", "setuid32", "setgid", "setgid32", "setgroups", "setgroups32"),
    *("setreuid", "setreuid32", "setregid", "setregid32"),
    *("setresuid", "setresuid32", "setresgid", "setresgid32"),
    *("setfsuid", "setfsuid32", "setfsgid", "setfsgid32"),
)
"""Calls of the kernel that give something away or become somebody else, on any processor."""

APT_CONF = 'APT::Sandbox::User "root";\n'
"""apt looks whether it really has become the user that fetches for it."""

# Constants of libseccomp, which every rootless container tool comes with.
ALLOW, SUCCEED = 0x7FFF0000, 0x00050000
ACT_BADARCH, CTL_NNP = 2, 3
UNKNOWN = -1


class NotPretended(Exception):
    """The kernel was not told; the text says why."""


@cache
def needed(uid: int) -> bool:
    """Whether an account has one user id or one group id alone, or cannot be given its others."""
    if not (shutil.which("newuidmap") and shutil.which("newgidmap")):
        return True
    name = pwd.getpwuid(uid).pw_name
    return not (_granted(name, uid, "subuid") and _granted(name, uid, "subgid"))


def _granted(name: str, uid: int, kind: str) -> bool:
    """Whether there are subordinate ids; they may come from a directory service."""
    if shutil.which("getsubids"):
        options = ["-g"] if kind == "subgid" else []
        done = subprocess.run(["getsubids", *options, name], capture_output=True, text=True)
        return bool(done.stdout.strip())
    return listed(Path("/etc", kind).read_text("utf-8"), name, uid)


def listed(text: str, name: str, uid: int) -> bool:
    """Whether the text of ``/etc/subuid`` or ``/etc/subgid`` grants an account anything."""
    return any(line.split(":")[0] in (name, str(uid)) for line in text.splitlines())


def enter(uid: int, gid: int) -> Sequence[str]:
    """What goes before a command so that it runs in a user namespace with one id, pretending."""
    # How Buildah knows that it is inside already.
    inside = {
        "_CONTAINERS_USERNS_CONFIGURED": "done",
        "_CONTAINERS_ROOTLESS_UID": str(uid),
        "_CONTAINERS_ROOTLESS_GID": str(gid),
    }
    told = (f"{name}={value}" for name, value in inside.items())
    namespaces = ("unshare", "--user", "--map-root-user", "--mount")
    return (*namespaces, "env", *told, sys.executable, "-I", os.path.realpath(__file__))


def pretend() -> None:
    """Have this process, and all that it starts, told that such calls were carried out."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError as error:
        raise NotPretended("libseccomp is not installed.") from error
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ALLOW)))
    # Privileged in our user namespace, we need not give up what setuid programs are for.
    for attribute, value in ((ACT_BADARCH, ALLOW), (CTL_NNP, 0)):
        _well(library.seccomp_attr_set(rules, attribute, ctypes.c_uint32(value)))
    for name in PRETENDED:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number > UNKNOWN:  # Others have no such call.
            _well(library.seccomp_rule_add(rules, ctypes.c_uint32(SUCCEED), number, 0))
    _well(library.seccomp_load(rules))
    library.seccomp_release(rules)


def _well(outcome: int) -> None:
    if outcome != 0:
        raise NotPretended(f"The kernel takes no filter: {os.strerror(-outcome)}.")


def main(command: list[str]) -> None:
    """Go on as a command that is told so."""
    try:
        pretend()
    except NotPretended as error:
        sys.exit(
            "This account has a single user id, and builds nothing: "
            f"{error} Install it, or grant the account subordinate ids (/etc/subuid)."
        )
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
