"""One request, one answer.

It reads one JSON object from standard input and writes one line: the request's nonce, a space, and
the answer as JSON. Data of any size goes before it, in lines of base64 that begin with the nonce
and a plus sign. Login shells differ and rc files print, so whatever else is on standard output is
not ours. It knows a closed list of operations; no text of a request ever becomes shell text.
"""

import errno
import json
import os
import sys
from typing import Any, Callable, Dict, List

from . import (
    about,
    artefacts,
    images,
    jobs,
    partitions,
    queue,
    repositories,
    servers,
    shifter,
    workspaces,
)
from .basics import Refused, Request

Operation = Callable[[Request], Dict[str, Any]]

OPERATIONS: Dict[str, Operation] = {
    "about": about.about,
    "slurm-settings": about.slurm_settings,
    "whoami": jobs.whoami,
    "submit": jobs.submit,
    "find": jobs.find,
    "cancel": jobs.cancel,
    "observe": queue.observe,
    "history": queue.history,
    "tail": jobs.tail,
    "clear": jobs.clear,
    "serve": servers.serve,
    "served": servers.found,
    "servers": servers.states,
    "server-outcome": servers.outcome,
    "server-end": servers.finish,
    "availability": partitions.availability,
    "forecast": partitions.forecast,
    "repository-commit": repositories.commit,
    "repository-bundle": repositories.bundle,
    "image-lookup": images.lookup,
    "image-pull": images.pull,
    "image-remove": images.remove,
    "shifter-import": shifter.take_in,
    "workspaces": workspaces.listed,
    "delete-workspace": workspaces.delete,
}

ON_ARTEFACTS: Dict[str, Operation] = {
    "artefact-begin": artefacts.begin,
    "artefact-piece": artefacts.piece,
    "artefact-finish": artefacts.finish,
    "artefact-remove": artefacts.remove,
    "artefact-room": artefacts.room,
    "artefact-tidy": artefacts.tidy,
}

# What may be asked for again when its answer was lost. A second removal could hit what was made in
# between; a second pull or import would run beside the first, and a look-up tells what became.
REPEATABLE = frozenset(
    ["about", "slurm-settings", "whoami", "submit", "find", "cancel", "observe", "tail", "clear"]
    + [
        "history",
        "serve",
        "served",
        "servers",
        "server-outcome",
        "server-end",
        "availability",
        "forecast",
    ]
    + ["repository-commit", "repository-bundle", "image-lookup", "workspaces"]
    + list(ON_ARTEFACTS)
)


def offered(arguments: List[str], request: Request) -> Dict[str, Operation]:
    """The hub's operations; or, where a builder's key has `agent artefacts STORE` as its forced
    command, those on that store alone: builders are not trusted with more."""
    if not arguments:
        return OPERATIONS
    return ON_ARTEFACTS if arguments == ["artefacts", request["store"]] else {}


def main() -> None:
    try:
        request = json.loads(sys.stdin.read())
        operation = offered(sys.argv[1:], request)[request["op"]]
    except (ValueError, KeyError, TypeError):
        sys.exit("This is HPC BinderHub's agent. It answers its hub's requests, and nothing else.")
    os.umask(0o077)
    try:
        answer = {"ok": operation(request)}
    except Refused as error:
        answer = {"error": {"kind": error.kind, "message": str(error)}}
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        kind = "full" if full else "storage"
        answer = {"error": {"kind": kind, "message": str(error)}}
    # The leading line end separates the answer from whatever an rc file left on the line.
    sys.stdout.write("\n%s %s\n" % (request["nonce"], json.dumps(answer)))
    sys.stdout.flush()
