"""The few Linux calls that Python 3.11 does not offer, as plain functions that raise OSError."""

import ctypes
import errno
import os
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_NOATIME, MS_NODIRATIME = 32, 1024, 2048
MS_BIND, MS_REC = 4096, 16384
MS_SLAVE, MS_RELATIME = 1 << 19, 1 << 21

_ST_RELATIME = 4096
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522
_SYS_OPENAT2 = 437
_RESOLVE_IN_ROOT = 0x10

_libc = ctypes.CDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "mode", "resolve")]


def _check(result: int, path: object = None) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path) if path is not None else None)
    return result


def unshare(flags: int) -> None:
    """Leave namespaces behind."""
    _check(_libc.unshare(flags))


def mount(source: object, target: object, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    words = (os.fsencode(str(word)) for word in (source, target, kind))
    _check(_libc.mount(*words, ctypes.c_ulong(flags), os.fsencode(data)), target)


def bind(source: object, target: object) -> None:
    """Bind a tree with all that is mounted below it.

    A user namespace may not bind a part without what covers it, so `rec` is not a choice here.
    """
    mount(source, target, flags=MS_BIND | MS_REC)


def remount_read_only(target: Path) -> None:
    """Make one bind read-only, keeping the flags that a user namespace may not clear."""
    had = os.statvfs(target).f_flag
    keep = had & (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME)
    relatime = MS_RELATIME if had & _ST_RELATIME else 0
    mount("none", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | keep | relatime)


def resolve_in_root(root: Path, path: str) -> Path:
    """Resolve a path as a process inside `root` would, links and all; the result is outside's."""
    how = _OpenHow(os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT)
    root_fd = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        name = os.fsencode(path)
        size = ctypes.c_size_t(ctypes.sizeof(how))
        fd = _check(_libc.syscall(_SYS_OPENAT2, root_fd, name, ctypes.byref(how), size), path)
        try:
            return Path(os.readlink(f"/proc/self/fd/{fd}"))
        finally:
            os.close(fd)
    finally:
        os.close(root_fd)


def give_up_privileges() -> None:
    """Empty the bounding set and every capability set, and forbid new ones (contract 2)."""
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            if ctypes.get_errno() != errno.EINVAL:
                _check(-1)
            break
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, nothing))
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
