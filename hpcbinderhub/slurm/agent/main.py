"""One request, one answer.

It reads one JSON object from standard input and writes one line: the request's nonce, a space, and
the answer as JSON. Data of any size goes before it, in lines of base64 that begin with the nonce
and a plus sign. Login shells differ and rc files print, so whatever else is on standard output is
not ours. It knows a closed list of operations; no text of a request ever becomes shell text.
"""

import errno
import importlib
import json
import os
import select
import sys
from typing import Any, Callable, Dict, List

from .basics import Refused, Request, send

Operation = Callable[[Request], Dict[str, Any]]

# Each by its place. Only what is asked for is loaded: the whole takes longer to read than to look
# at the queue, which is asked for some times a minute as long as anybody has a server.
OPERATIONS: Dict[str, str] = {
    "about": "about.about",
    "slurm-settings": "about.slurm_settings",
    "whoami": "jobs.whoami",
    "uids": "people.uids",
    "submit": "jobs.submit",
    "find": "jobs.find",
    "cancel": "jobs.cancel",
    "observe": "queue.observe",
    "history": "past.history",
    "tail": "jobs.tail",
    "clear": "jobs.clear",
    "clear-keys": "launches.clear_keys",
    "sweep-launches": "launches.sweep",
    "serve": "servers.serve",
    "served": "servers.found",
    "servers": "servers.states",
    "server-outcome": "servers.outcome",
    "server-end": "servers.finish",
    "availability": "partitions.availability",
    "nodes": "partitions.nodes",
    "forecast": "partitions.forecast",
    "repository-roots": "repositories.roots",
    "repository-commit": "repositories.commit",
    "repository-bundle": "repositories.bundle",
    "image-lookup": "images.lookup",
    "image-pull": "images.pull",
    "image-remove": "images.remove",
    "shifter-import": "shifter.take_in",
    "workspaces": "workspaces.listed",
    "delete-workspace": "workspaces.delete",
}

ON_ARTEFACTS: Dict[str, str] = {
    "artefact-begin": "artefacts.begin",
    "artefact-piece": "artefacts.piece",
    "artefact-finish": "artefacts.finish",
    "artefact-remove": "artefacts.remove",
    "artefact-room": "artefacts.room",
    "artefact-tidy": "artefacts.tidy",
}

# What may be asked for again when its answer was lost. A second removal could hit what was made in
# between; a second pull or import would run beside the first, and a look-up tells what became.
REPEATABLE = frozenset(
    ["about", "slurm-settings", "whoami", "submit", "find", "cancel", "observe", "tail", "clear"]
    + ["uids", "nodes", "clear-keys", "sweep-launches"]
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
    + ["repository-roots", "repository-commit", "repository-bundle", "image-lookup", "workspaces"]
    + list(ON_ARTEFACTS)
)


def offered(arguments: List[str], request: Request) -> Dict[str, str]:
    """The hub's operations; or, where a builder's key has `agent artefacts STORE` as its forced
    command, those on that store alone: builders are not trusted with more."""
    if not arguments:
        return OPERATIONS
    return ON_ARTEFACTS if arguments == ["artefacts", request["store"]] else {}


def operation_at(place: str) -> Operation:
    """An operation of the lists above."""
    module, _, name = place.partition(".")
    found: Operation = getattr(importlib.import_module("." + module, __package__), name)
    return found


def load_ahead() -> None:
    """A session may be opened before there is a request: what somebody waits for the most is
    loaded by then."""
    if not select.select([sys.stdin], [], [], 0)[0]:
        importlib.import_module(".jobs", __package__)


def main() -> None:
    load_ahead()
    answer(sys.stdin.read())


def answer(text: str) -> None:
    """The answer to one request, on standard output."""
    try:
        request = json.loads(text)
        operation = operation_at(offered(sys.argv[1:], request)[request["op"]])
        # The hub waits for a login shell less patiently than for an operation.
        send(request, b"")
    except (ValueError, KeyError, TypeError):
        sys.exit("This is HPC BinderHub's agent. It answers its hub's requests, and nothing else.")
    os.umask(0o077)
    try:
        said = {"ok": operation(request)}
    except Refused as error:
        said = {"error": {"kind": error.kind, "message": str(error)}}
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        kind = "full" if full else "storage"
        said = {"error": {"kind": kind, "message": str(error)}}
    # The leading line end separates the answer from whatever an rc file left on the line.
    sys.stdout.write("\n%s %s\n" % (request["nonce"], json.dumps(said)))
    sys.stdout.flush()
