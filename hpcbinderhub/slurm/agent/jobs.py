"""Jobs: submitted once, found again, watched and cancelled."""

import errno
import fcntl
import grp
import hashlib
import json
import os
import pwd
import time
from typing import Any, Dict, List, Optional

from .basics import Refused, Request, Row, checked, read, slurm, write
from .room import check_room

SEPARATOR = "\x1f"
QUEUE_FIELDS = ("%A", "%U", "%T", "%V", "%S", "%e", "%B", "%r", "%j")
ASSOCIATION_FIELDS = "account,partition,qos,defaultqos"
SACCT_FIELDS = "JobIDRaw,UID,State,Submit,Start,End,NodeList,ExitCode,JobName"


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
        job = run_sbatch(request, directory)
        write(os.path.join(directory, "job"), job)
        return {"job": job, "ticket_digest": ticket_digest(directory)}


def ticket_digest(directory: str) -> str:
    """The SHA-256 of the ticket that lies in the launch's directory; empty once it is spent."""
    claim = read(os.path.join(directory, "claim.json"))
    return hashlib.sha256(json.loads(claim)["ticket"].encode()).hexdigest() if claim else ""


def find(request: Request) -> Dict[str, Any]:
    """The job of a launch, if one was ever submitted; waits for a submission under way."""
    directory = request["directory"]
    if not os.path.isdir(directory):
        return {"job": ""}
    with open(os.path.join(directory, "submit.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return {"job": earlier_job(request, directory) or ""}


def earlier_job(request: Request, directory: str) -> Optional[str]:
    recorded = read(os.path.join(directory, "job"))
    if recorded:
        return recorded
    intent = read(os.path.join(directory, "intent"))
    if not intent:
        return None
    # Clocks of a login node and the controller may differ by a little.
    found = jobs_named(request, request["name"], int(intent) - 300)
    if found:
        write(os.path.join(directory, "job"), found[0])
        return found[0]
    return None


def run_sbatch(request: Request, directory: str) -> str:
    arguments = ["sbatch", "--parsable"] + request["options"]
    status, out, err = slurm(request, arguments, script=request["script"])
    if status != 0:
        os.unlink(os.path.join(directory, "intent"))
        os.unlink(os.path.join(directory, "claim.json"))
        raise Refused("slurm", err or out.strip() or "sbatch failed")
    return out.strip().splitlines()[-1].split(";")[0]


def jobs_named(request: Request, name: str, since: int) -> List[str]:
    """Ids of the caller's own jobs of that name, submitted since then, ended ones included."""
    uid = str(os.getuid())
    rows = [row for row in queue_rows(request) if row["uid"] == uid and row["name"] == name]
    if not rows:
        start = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(since))
        filters = ["--name=" + name, "--uid=" + uid, "--starttime=" + start]
        rows = [row for row in history_rows(request, filters) if row["name"] == name]
    return [row["id"] for row in rows if row["submitted"] >= since]


def cancel(request: Request) -> Dict[str, Any]:
    """Cancel a job of the caller's. One that is gone already is no error."""
    status, out, err = slurm(request, ["scancel", request["job"]])
    if status != 0 and "Invalid job id" not in err and "already" not in err:
        raise Refused("slurm", err or out.strip())
    return {}


def observe(request: Request) -> Dict[str, Any]:
    """The state of these jobs: from the queue, and from accounting where the queue forgot them."""
    wanted = set(request["jobs"])
    rows = {row["id"]: row for row in queue_rows(request) if row["id"] in wanted}
    missing = sorted(wanted - set(rows))
    if missing:
        for row in history_rows(request, ["--jobs=" + ",".join(missing), "--allusers"]):
            rows.setdefault(row["id"], row)
    return {"jobs": list(rows.values()), "time": time.time()}


def queue_rows(request: Request) -> List[Row]:
    pattern = SEPARATOR.join(QUEUE_FIELDS)
    out = checked(request, ["squeue", "--noheader", "--states=all", "--format=" + pattern])
    rows = []
    for line in out.splitlines():
        cells = line.split(SEPARATOR, len(QUEUE_FIELDS) - 1)
        if len(cells) == len(QUEUE_FIELDS):
            job, uid, state, submitted, start, end, node, reason, name = cells
            rows.append(row_of(job, uid, state, submitted, start, end, node, reason, "", name))
    return rows


def history_rows(request: Request, filters: List[str]) -> List[Row]:
    out = checked(
        request,
        ["sacct", "--noheader", "--allocations", "--parsable2", "--format=" + SACCT_FIELDS]
        + filters,
    )
    rows = []
    for line in out.splitlines():
        cells = line.split("|", SACCT_FIELDS.count(","))
        if len(cells) == SACCT_FIELDS.count(",") + 1:
            job, uid, state, submitted, start, end, node, code, name = cells
            rows.append(row_of(job, uid, state, submitted, start, end, node, "", code, name))
    return rows


def row_of(
    job: str,
    uid: str,
    state: str,
    submitted: str,
    start: str,
    end: str,
    node: str,
    reason: str,
    code: str,
    name: str,
) -> Row:
    return {
        "id": job,
        "uid": uid,
        "state": state.split(" ")[0],
        "submitted": seconds(submitted),
        "started": seconds(start),
        "ends": seconds(end),
        "node": node,
        "reason": reason,
        "exit_code": code,
        "name": name,
    }


def seconds(text: str) -> int:
    """A time as Slurm printed it under SLURM_TIME_FORMAT=%s; 0 where there is none."""
    return int(text) if text.isdigit() else 0


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
