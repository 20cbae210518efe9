"""Become the command: same process, so that signals go straight to it (contract 2, Exit codes)."""

import errno
import os
import signal
import sys
from collections.abc import Mapping, Sequence

NOT_FOUND = 127


def execute(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Replace this process; return 127, with the reason on stderr, if that cannot be done."""
    # Python ignores these two, and an ignored signal stays ignored in the command.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    failure = errno.ENOENT
    for path in _candidates(command[0], env):
        try:
            _exec(path, command, env)
        except OSError as error:
            if error.errno == errno.EACCES or failure == errno.ENOENT:
                failure = error.errno or errno.ENOENT
    if failure == errno.ENOTDIR:
        failure = errno.ENOENT
    print(f"shifter: {command[0]}: {os.strerror(failure)}", file=sys.stderr)
    return NOT_FOUND


def _candidates(command: str, env: Mapping[str, str]) -> list[str]:
    if "/" in command or not command:
        return [command]
    # Contract 2: the look-up uses the final PATH; without one, that of execvp(3).
    return [os.path.join(part, command) for part in env.get("PATH", "/bin:/usr/bin").split(":")]


def _exec(path: str, command: Sequence[str], env: Mapping[str, str]) -> None:
    try:
        os.execve(path, list(command), env)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    # As execvp(3) does with a script that has no first line of its own.
    os.execve("/bin/sh", ["/bin/sh", path, *command[1:]], env)
