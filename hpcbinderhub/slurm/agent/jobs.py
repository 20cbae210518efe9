"""Jobs: submitted once, found again and cancelled."""

import errno
import fcntl
import grp
import hashlib
import json
import os
import pwd
import time
from typing import Any, Dict, List, Optional

from . import queue
from .basics import (
    Refused,
    Request,
    checked,
    got_no_answer,
    never_arrived,
    read,
    refused,
    slurm,
    write,
)
from .room import check_room

ASSOCIATION_FIELDS = "account,partition,qos,defaultqos"
SETTLE_SECONDS = 60
"""How long after a submission without an answer its job may still appear."""


def whoami(request: Request) -> Dict[str, Any]:
    """Who the user is here, which Slurm associations she has, and which account is her default."""
    account = pwd.getpwuid(os.getuid())
    rows = accounting(
        request, ["associations", "where", "user=" + account.pw_name], ASSOCIATION_FIELDS
    )
    defaults = accounting(request, ["user", "where", "name=" + account.pw_name], "defaultaccount")
    return {
        "user": account.pw_name,
        "uid": account.pw_uid,
        "home": account.pw_dir,
        "groups": [grp.getgrgid(gid).gr_name for gid in os.getgroups() if has_name(gid)],
        "associations": [
            {"account": row[0], "partition": row[1], "qos": row[2], "default_qos": row[3]}
            for row in rows
        ],
        "default_account": defaults[0][0] if defaults else "",
    }


def accounting(request: Request, what: List[str], fields: str) -> List[List[str]]:
    """What `sacctmgr` shows, as rows."""
    command = ["sacctmgr", "--noheader", "--parsable2", "--readonly", "show"]
    out = checked(request, command + what + ["format=" + fields])
    return [line.split("|") for line in out.splitlines() if line.strip()]


def has_name(gid: int) -> bool:
    try:
        grp.getgrgid(gid)
    except KeyError:
        return False
    return True


def submit(request: Request) -> Dict[str, Any]:
    """Submit the job of a launch, once, however often this is asked.

    The launch's directory is the memory: an answer that was lost, a hub that was killed or a second
    request finds the job there, or finds it in Slurm by name and time, and submits no other.
    """
    directory = request["directory"]
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "submit.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = earlier_job(request, directory)
        if known:
            return {"job": known, "ticket_digest": ticket_digest(directory)}
        check_room(request["roots"], request["free_mb"], request["path"])
        for path in request["directories"]:
            os.makedirs(path, exist_ok=True)
        write(os.path.join(directory, "claim.json"), json.dumps(request["claim"]))
        write(os.path.join(directory, "intent"), "%d" % time.time())
        job = run_sbatch(request, directory, lock.fileno())
        write(os.path.join(directory, "job"), job)
        return {"job": job, "ticket_digest": ticket_digest(directory)}


def ticket_digest(directory: str) -> str:
    """The SHA-256 of the ticket that lies in the launch's directory; empty once it is spent."""
    claim = read(os.path.join(directory, "claim.json"))
    return hashlib.sha256(json.loads(claim)["ticket"].encode()).hexdigest() if claim else ""


def find(request: Request) -> Dict[str, Any]:
    """The job of a launch, if one that may live was ever submitted; waits for a submission under
    way."""
    directory = request["directory"]
    if not os.path.isdir(directory):
        return {"job": ""}
    with open(os.path.join(directory, "submit.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return {"job": earlier_job(request, directory, living=True) or ""}


def earlier_job(request: Request, directory: str, living: bool = False) -> Optional[str]:
    """The job that was submitted from here; accounting is left alone if only `living` ones count.
    Refused while Slurm may still be about to take it."""
    recorded = read(os.path.join(directory, "job"))
    if recorded:
        return recorded
    intent = read(os.path.join(directory, "intent"))
    if not intent:
        return None
    # Clocks of a login node and the controller may differ by a little.
    look = queue.living_ids if living else queue.all_ids
    found = look(request, request["name"], os.getuid(), int(intent) - 300)
    if found:
        write(os.path.join(directory, "job"), found[0])
        return found[0]
    if 0 <= time.time() - int(intent) < SETTLE_SECONDS:
        raise Refused("unreachable", "sbatch was not answered; looking whether there is a job")
    return None


def run_sbatch(request: Request, directory: str, lock: int) -> str:
    """Submit. The lock is held until `sbatch` is over, even if this process is ended before."""
    arguments = ["sbatch", "--parsable"] + request["options"]
    status, out, err = slurm(request, arguments, script=request["script"], keep=[lock])
    if status != 0:
        refusal = refused(err or out.strip() or "sbatch failed")
        # After a time-out there may be a job all the same: the intent stays, and it is looked for.
        if refusal.kind != "unreachable" or never_arrived(err):
            os.unlink(os.path.join(directory, "intent"))
            os.unlink(os.path.join(directory, "claim.json"))
        raise refusal
    return out.strip().splitlines()[-1].split(";")[0]


def cancel(request: Request) -> Dict[str, Any]:
    """Cancel a job of the caller's. One that is gone already is no error."""
    status, out, err = slurm(request, ["scancel", request["job"]])
    # It ends with 0 where it finds no address for the controller (22.05).
    if got_no_answer(err):
        raise refused(err)
    if status != 0 and "Invalid job id" not in err and "already" not in err:
        raise refused(err or out.strip())
    return {}


def tail(request: Request) -> Dict[str, Any]:
    """The end of a launch's log."""
    try:
        with open(os.path.join(request["directory"], "job.log"), "rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - request["bytes"]))
            return {"text": log.read().decode("utf-8", "replace")}
    except FileNotFoundError:
        return {"text": ""}


def clear(request: Request) -> Dict[str, Any]:
    """Remove the directory of a job that has ended, if it holds nothing but what belongs there."""
    directory = request["directory"]
    for name in ("job.log", "claim.json", "intent", "job", "run", "ended", "submit.lock"):
        try:
            os.unlink(os.path.join(directory, name))
        except FileNotFoundError:
            continue
    try:
        os.rmdir(directory)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
            raise
    return {}
