"""Small files in a directory where a launch's own code could put anything meanwhile.

The agent reads and writes them outside the container, with all that the user may. So no link is
followed, nothing but a plain file is opened, and none is waited for.
"""

import errno
import fcntl
import os
import stat
import time
from contextlib import contextmanager
from typing import Iterator

from .basics import Refused

SMALL = 1 << 16
LOCK_SECONDS = 20.0
TAMPERED = "tampered"


def open_plain(path: str, flags: int) -> int:
    """A descriptor of a plain file; one that is made is nobody else's to read."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise Refused(TAMPERED, "%s is no plain file" % path) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused(TAMPERED, "%s is no plain file" % path)
    return descriptor


def read(path: str) -> str:
    """What a small file says; nothing if it is not there."""
    try:
        with open(open_plain(path, os.O_RDONLY), "rb") as file:
            return file.read(SMALL).decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return ""


def end_of(path: str, size: int) -> str:
    """The last so many bytes of a file; nothing if it is not there."""
    try:
        with open(open_plain(path, os.O_RDONLY), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read(size).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def write(path: str, text: str, lasting: bool = True) -> None:
    """Write a file that is whole or not there, and that nobody else can read. To have it last
    through a power cut takes as long as a program of Slurm's: not for what is known otherwise."""
    temporary = path + ".new"
    try:
        os.unlink(temporary)
    except FileNotFoundError:
        pass
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(temporary, flags, 0o600), "w") as file:
        file.write(text)
        file.flush()
        if lasting:
            os.fsync(file.fileno())
    os.rename(temporary, path)


@contextmanager
def locked(directory: str) -> Iterator[int]:
    """While nobody else decides about this launch. What is held is the descriptor, which another
    program may be given. Whoever holds it for longer keeps nobody waiting: it is asked again."""
    lock = open_plain(os.path.join(directory, "submit.lock"), os.O_RDWR | os.O_CREAT)
    try:
        limit = time.monotonic() + LOCK_SECONDS
        while not take(lock):
            if time.monotonic() > limit:
                raise Refused("unreachable", "another submission of this launch is under way")
            time.sleep(0.1)
        yield lock
    finally:
        os.close(lock)


def take(lock: int) -> bool:
    """Whether nobody else had it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
