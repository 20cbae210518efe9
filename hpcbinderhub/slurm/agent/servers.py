"""Servers on this login node: started once, found again, asked about and ended.

What a request says of a server (its process, that one's start, the host and the host's own start)
comes from the hub, which has it from `serve`. The files in the launch's directory are the memory
for a lost answer, and tell how a server ended; its own code could write there, so nothing is ended
on their word and no living server is taken for ended.
"""

import json
import os
import secrets
import signal
import socket
import time
from typing import Any, Dict, Optional

from .basics import Refused, Request, environment_of
from .jobs import ticket_digest
from .plain import TAMPERED, locked, open_plain, read, write
from .processes import MARK, Process, end, is_alive, look, marked, tell
from .room import check_room
from .supervisor import Limits, Server, detach, supervise

RECORD = "run"
ENDED = "ended"
SWEEP_SECONDS = 2.0
"""For what is left of a server whose supervisor was killed."""


def serve(request: Request) -> Dict[str, Any]:
    """Start the server of a launch, once, however often and on whichever host this is asked."""
    directory = request["directory"]
    os.makedirs(directory, exist_ok=True)
    with locked(directory) as lock:
        known = recorded(directory)
        if known is None:
            check_room(request["roots"], request["free_mb"], request["path"])
            for path in request["directories"]:
                os.makedirs(path, exist_ok=True)
            write(os.path.join(directory, "claim.json"), json.dumps(request["claim"]))
            known = begin(request, lock)
        return {"run": known, "ticket_digest": ticket_digest(directory)}


def recorded(directory: str) -> Optional[Dict[str, Any]]:
    """What was written down of a launch's server, if one was ever started."""
    path = os.path.join(directory, RECORD)
    words = read(path)
    if not words:
        return None
    try:
        known = json.loads(words)
    except ValueError:
        known = None
    if not isinstance(known, dict):
        raise Refused(TAMPERED, "%s is damaged" % path)
    return known


def begin(request: Request, lock: int) -> Dict[str, Any]:
    """The record of a server, whose supervisor now runs. It holds the lock too until the record is
    written, so that another request finds either that or no process."""
    directory = request["directory"]
    run = secrets.token_hex(16)
    environment = dict(environment_of(request), **{MARK: run})
    log = open_log(directory)
    server = Server(request["script"], environment, directory, log, Limits(**request["limits"]))
    reading, writing = os.pipe()

    def began() -> None:
        known = json.dumps(described(request, run))
        write(os.path.join(directory, RECORD), known)
        os.write(writing, known.encode())
        os.close(writing)
        os.close(lock)

    detach(lambda: supervise(server, began, (writing, lock)))
    os.close(writing)
    os.close(log)
    with open(reading, "rb") as pipe:
        told = pipe.read()
    if not told:
        words = read(os.path.join(directory, "job.log"))
        raise Refused("server", words or "The process that looks after the server did not start.")
    return dict(json.loads(told.decode()))


def open_log(directory: str) -> int:
    """Nobody else's, and no link to another file."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return open_plain(os.path.join(directory, "job.log"), flags)


def described(request: Request, run: str) -> Dict[str, Any]:
    """Which process the caller is, so that it is known again, and what it was asked for."""
    now = int(time.time())
    return {
        "id": run,
        "address": request["address"],
        "host": socket.gethostname(),
        "boot": boot(),
        "pid": os.getpid(),
        "start": look(os.getpid()).start,
        "began": now,
        "ends": now + request["limits"]["seconds"],
    }


def boot() -> str:
    """Which start of this host it is."""
    return read("/proc/sys/kernel/random/boot_id")


def found(request: Request) -> Dict[str, Any]:
    """The record of a launch's server, if one was ever started; waits for a start under way."""
    directory = request["directory"]
    if not os.path.isdir(directory):
        return {"run": None}
    with locked(directory):
        return {"run": recorded(directory)}


def states(request: Request) -> Dict[str, Any]:
    """Which of these servers are alive. Anybody may ask who sees others' processes: it reads no
    file of theirs."""
    return {"states": {run["id"]: state_of(run) for run in request["runs"]}}


def state_of(run: Dict[str, Any]) -> str:
    if run["host"] != socket.gethostname():
        return "elsewhere"
    if run["boot"] != boot():
        return "restarted"
    if is_alive(run["pid"], run["start"], run["uid"]):
        return "running"
    # With /proc mounted `hidepid`, others' processes are not there for us.
    return "gone" if os.path.exists("/proc/1/stat") or run["uid"] == os.getuid() else "hidden"


def outcome(request: Request) -> Dict[str, Any]:
    """How a server ended; what is left of it is ended too."""
    run = request["run"]
    state = own_state(run)
    if state == "running":
        return {"state": "RUNNING", "exit_code": ""}
    if state == "gone":
        end(lambda: marked(run["id"]), SWEEP_SECONDS)
    try:
        known = json.loads(read(os.path.join(request["directory"], ENDED)))
        return {"state": str(known["state"]), "exit_code": str(known["exit_code"])}
    except (ValueError, KeyError, TypeError, Refused):
        # Whoever looks after it was killed, or its own code put something else there.
        return {"state": "FAILED", "exit_code": ""}


def finish(request: Request) -> Dict[str, Any]:
    """Have a server end, with everything that it started: its supervisor sees to that."""
    run = request["run"]
    state = own_state(run)
    if state == "running":
        tell([Process(run["pid"], run["start"], 0, False)], signal.SIGTERM)
    elif state == "gone":
        end(lambda: marked(run["id"]), SWEEP_SECONDS)
    return {}


def own_state(run: Dict[str, Any]) -> str:
    """How the caller's own server is, which only its own host can tell."""
    state = state_of(dict(run, uid=os.getuid()))
    if state == "elsewhere":
        here = socket.gethostname()
        raise Refused("elsewhere", "It runs on %s; this is %s." % (run["host"], here))
    return state
