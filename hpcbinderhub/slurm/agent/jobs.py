"""Jobs: submitted once, found again and cancelled."""

import errno
import grp
import hashlib
import json
import os
import pwd
import re
import time
from typing import Any, Dict, List, Optional

from .basics import (
    Refused,
    Request,
    checked,
    got_no_answer,
    never_arrived,
    refused,
    slurm,
)
from .elements import together
from .logs import make_log_folder
from .plain import end_of, locked, read, write
from .room import check_room

ASSOCIATION_FIELDS = "account,partition,qos,defaultqos"
SETTLE_SECONDS = 60
"""How long after a submission without an answer its job may still appear."""

LONG_AGO_SECONDS = 7 * 24 * 3600
NUMBER = re.compile(r"[0-9]{1,20}\Z")


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
    with locked(directory) as lock:
        known = earlier_job(request, directory)
        if known:
            return {"job": known, "ticket_digest": ticket_digest(directory)}
        check_room(request["roots"], request["free_mb"], request["path"])
        for path in request["directories"]:
            os.makedirs(path, exist_ok=True)
        make_log_folder(request["log"])
        # Lost by a power cut, the one keeps a job from starting, and the other is found by the
        # intent: that alone has to last.
        write(os.path.join(directory, "claim.json"), json.dumps(request["claim"]), lasting=False)
        write(os.path.join(directory, "intent"), "%d" % time.time())
        job = run_sbatch(request, directory, lock)
        write(os.path.join(directory, "job"), job, lasting=False)
        return {"job": job, "ticket_digest": ticket_digest(directory)}


def ticket_digest(directory: str) -> str:
    """The SHA-256 of the ticket that lies in the launch's directory; empty once it is spent."""
    try:
        claim = json.loads(read(os.path.join(directory, "claim.json")))
        return hashlib.sha256(claim["ticket"].encode()).hexdigest()
    except (ValueError, KeyError, TypeError, AttributeError, Refused):
        # What no job can read is as good as spent.
        return ""


def find(request: Request) -> Dict[str, Any]:
    """The job of a launch, if one that may live was ever submitted; waits for a submission under
    way."""
    directory = request["directory"]
    if not os.path.isdir(directory):
        return {"job": ""}
    with locked(directory):
        return {"job": earlier_job(request, directory, living=True) or ""}


def earlier_job(request: Request, directory: str, living: bool = False) -> Optional[str]:
    """The job that was submitted from here; accounting is left alone if only `living` ones count.
    Refused while Slurm may still be about to take it."""
    recorded = number_in(os.path.join(directory, "job"))
    if recorded:
        return recorded
    intent = intent_of(directory)
    if intent is None:
        return None
    # Not needed to submit, which somebody waits for.
    from . import finding

    # Clocks of a login node and the controller may differ by a little.
    look = finding.living_ids if living else finding.all_ids
    found = look(request, request["name"], os.getuid(), intent - 300)
    if not found:
        found = finding.ids_in(request, directory, os.getuid(), intent - 300)
    if found:
        write(os.path.join(directory, "job"), found[0])
        return found[0]
    if 0 <= time.time() - intent < SETTLE_SECONDS:
        raise Refused("unreachable", "sbatch was not answered; looking whether there is a job")
    return None


def number_in(path: str) -> str:
    """The number that a file of a launch holds; nothing if that, or no file, is what is there."""
    try:
        words = read(path)
    except Refused:
        return ""
    return words if NUMBER.match(words) else ""


def intent_of(directory: str) -> Optional[int]:
    """When the job of a launch was about to be submitted, if it ever was. Where somebody wrote
    something else there, it may have been at any time that Slurm is asked about."""
    path = os.path.join(directory, "intent")
    if not os.path.lexists(path):
        return None
    return int(number_in(path) or time.time() - LONG_AGO_SECONDS)


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
    number = out.strip().rpartition("\n")[2].partition(";")[0]
    if not number.isdigit():
        # There may be a job: the intent stays, so that whoever ends the launch finds it.
        raise Refused("slurm", "sbatch did not say which job it submitted. " + (out + err).strip())
    return number


def cancel(request: Request) -> Dict[str, Any]:
    """Cancel jobs of the caller's, and elements of arrays. One that is gone is no error; one that
    is refused keeps none of the others."""
    status, out, err = slurm(request, ["scancel"] + together(request["jobs"]))
    # It ends with 0 where it finds no address for the controller (22.05).
    if got_no_answer(err):
        raise refused(err)
    left = [line for line in err.split("\n") if not ("Invalid job id" in line or "already" in line)]
    if status != 0 and (left or not err):
        raise refused("\n".join(left) or out.strip())
    return {}


def tail(request: Request) -> Dict[str, Any]:
    """The end of one of a launch's logs."""
    return {"text": end_of(os.path.join(request["directory"], request["file"]), request["bytes"])}


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
