"""What every operation may use: other programs, data, and the way to refuse."""

import base64
import os
import pwd
import subprocess
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

Request = Dict[str, Any]
Row = Dict[str, Any]

COMMAND_SECONDS = 100

NEVER_ARRIVED = (
    "connect failure",
    "connection refused",
    "no route to host",
    "unable to establish control machine address",
)
SILENCES = NEVER_ARRIVED + (
    "unable to contact slurm controller",
    "socket timed out",
    "zero bytes were transmitted",
    "communication connection failure",
    "connection timed out",
    "controller in standby mode",
    "slurm_persist_conn_open",
    "unable to connect to database",
    "problem talking to the database",
    "is not running or is unreachable",
)
"""What Slurm's commands say when they got no answer, which is no refusal."""


class Refused(Exception):
    """An operation that did not work: a kind for the program, words for the reader."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def slurm(
    request: Request,
    arguments: List[str],
    script: Optional[str] = None,
    keep: Sequence[int] = (),
    patience: int = COMMAND_SECONDS,
) -> Tuple[int, str, str]:
    """Run one Slurm command in an environment made from scratch; it gets the files in `keep`.

    What the user's rc files export (SBATCH_TIMELIMIT, SQUEUE_FORMAT, ...) beats options in a
    script and changes output formats; none of it is passed on.
    """
    program = find_program(arguments[0], request["path"])
    try:
        done = subprocess.run(
            [program] + arguments[1:],
            input=script,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment_of(request),
            cwd="/",
            universal_newlines=True,
            pass_fds=keep,
            timeout=patience,
        )
    except subprocess.TimeoutExpired:
        words = "%s did not answer in %d s" % (arguments[0], patience)
        raise Refused("unreachable", words) from None
    return done.returncode, done.stdout, done.stderr.strip()


def environment_of(request: Request) -> Dict[str, str]:
    """What another program is given: the account's own, and what the site says."""
    account = pwd.getpwuid(os.getuid())
    environment = {
        "PATH": ":".join(request["path"]),
        "HOME": account.pw_dir,
        "USER": account.pw_name,
        "LOGNAME": account.pw_name,
        "SHELL": "/bin/sh",
        "LANG": "C.UTF-8",
        "SLURM_TIME_FORMAT": "%s",
        # Elements of an array are all named, however many.
        "SLURM_BITSTR_LEN": "0",
    }
    for name, value in request["env"].items():
        filled = value.replace("{user}", account.pw_name).replace("{home}", account.pw_dir)
        environment[name] = filled
    return environment


def send(request: Request, piece: bytes) -> None:
    """A piece of data, before the answer."""
    sys.stdout.write("\n%s+%s\n" % (request["nonce"], base64.b64encode(piece).decode()))
    # An empty one is a sign of life, which must not wait for the next.
    sys.stdout.flush()


def find_program(name: str, path: List[str]) -> str:
    for directory in path:
        candidate = os.path.join(directory, name)
        if os.access(candidate, os.X_OK):
            return candidate
    raise Refused("missing", "%s is not in any of: %s" % (name, ", ".join(path)))


def checked(request: Request, arguments: List[str], patience: int = COMMAND_SECONDS) -> str:
    status, out, err = slurm(request, arguments, patience=patience)
    if status != 0:
        raise refused(err or out.strip() or "%s failed" % arguments[0])
    return out


def refused(words: str) -> Refused:
    """What a Slurm command said when it failed: it was refused, or it got no answer."""
    return Refused("unreachable" if got_no_answer(words) else "slurm", words)


def got_no_answer(words: str) -> bool:
    """Whether that is what a Slurm command said."""
    return any(sign in words.lower() for sign in SILENCES)


def never_arrived(words: str) -> bool:
    """Whether a command that got no answer cannot have done anything."""
    return any(sign in words.lower() for sign in NEVER_ARRIVED)
