#!/usr/bin/python3 -I
"""The one program of HPC BinderHub that runs on a login node, as the user, for one request.

It reads one JSON object from standard input and writes one line: the request's nonce, a space, and
the answer as JSON. Data of any size goes before it, in lines of base64 that begin with the nonce
and a plus sign. Login shells differ and rc files print, so whatever else is on standard output is
not ours. It knows a closed list of operations; no text of a request ever becomes shell text.

It depends on nothing but Python 3.6, Slurm's own commands and, for repositories on shared storage,
Git. Install it owned by root.
"""

import base64
import contextlib
import errno
import fcntl
import grp
import hashlib
import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, Iterator, List, Optional, Tuple

Request = Dict[str, Any]
Row = Dict[str, Any]

SEPARATOR = "\x1f"
QUEUE_FIELDS = ("%A", "%U", "%T", "%V", "%S", "%e", "%B", "%r", "%j")
SACCT_FIELDS = "JobIDRaw,UID,State,Submit,Start,End,NodeList,ExitCode,JobName"
COMMAND_SECONDS = 100
PIECE_BYTES = 48 * 1024


class Refused(Exception):
    """An operation that did not work: a kind for the program, words for the reader."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def main() -> None:
    try:
        request = json.loads(sys.stdin.read())
        operation = OPERATIONS[request["op"]]
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


def slurm(
    request: Request, arguments: List[str], script: Optional[str] = None
) -> Tuple[int, str, str]:
    """Run one Slurm command in an environment made from scratch.

    What the user's rc files export (SBATCH_TIMELIMIT, SQUEUE_FORMAT, ...) beats options in a
    script and changes output formats; none of it is passed on.
    """
    account = pwd.getpwuid(os.getuid())
    environment = {
        "PATH": ":".join(request["path"]),
        "HOME": account.pw_dir,
        "USER": account.pw_name,
        "LOGNAME": account.pw_name,
        "SHELL": "/bin/sh",
        "LANG": "C.UTF-8",
        "SLURM_TIME_FORMAT": "%s",
    }
    environment.update(request["env"])
    program = find_program(arguments[0], request["path"])
    done = subprocess.run(
        [program] + arguments[1:],
        input=script,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd="/",
        universal_newlines=True,
        timeout=COMMAND_SECONDS,
    )
    return done.returncode, done.stdout, done.stderr.strip()


def find_program(name: str, path: List[str]) -> str:
    for directory in path:
        candidate = os.path.join(directory, name)
        if os.access(candidate, os.X_OK):
            return candidate
    raise Refused("missing", "%s is not in any of: %s" % (name, ", ".join(path)))


def checked(request: Request, arguments: List[str]) -> str:
    status, out, err = slurm(request, arguments)
    if status != 0:
        raise Refused("slurm", err or out.strip() or "%s failed" % arguments[0])
    return out


# -- operations ------------------------------------------------------------------------------------


def whoami(request: Request) -> Dict[str, Any]:
    """Who the user is here, and which Slurm associations she has."""
    account = pwd.getpwuid(os.getuid())
    out = checked(
        request,
        ["sacctmgr", "--noheader", "--parsable2", "--readonly", "show", "associations"]
        + ["where", "user=" + account.pw_name, "format=account,partition,qos"],
    )
    rows = [line.split("|") for line in out.splitlines() if line.strip()]
    return {
        "user": account.pw_name,
        "uid": account.pw_uid,
        "home": account.pw_dir,
        "groups": [grp.getgrgid(gid).gr_name for gid in os.getgroups() if has_name(gid)],
        "associations": [{"account": row[0], "partition": row[1], "qos": row[2]} for row in rows],
    }


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


def shifter_lookup(request: Request) -> Dict[str, Any]:
    """The id by which Shifter knows an image, or an empty one."""
    status, out, err = slurm(request, ["shifterimg", "lookup", request["image"]])
    if status != 0 and err:
        raise Refused("shifter", err)
    ids = [line for line in out.split() if len(line) == 64]
    return {"id": ids[-1] if ids else ""}


def shifter_import(request: Request) -> Dict[str, Any]:
    """Ask Shifter's gateway to take in a ready squashfs file."""
    import urllib.error
    import urllib.request

    body = json.dumps({"filepath": request["path"], "format": "squashfs"}).encode()
    call = urllib.request.Request(request["url"], body, {"Content-Type": "application/json"})
    munge = subprocess.run(
        ["munge", "--no-input"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=10
    )
    if munge.returncode == 0:
        call.add_header("authentication", munge.stdout.decode().strip())
    try:
        with urllib.request.urlopen(call, timeout=30) as answer:
            return {"status": json.loads(answer.read()).get("status", "")}
    except urllib.error.URLError as error:
        raise Refused("shifter", "the image gateway refused the import: %s" % error) from error


# -- repositories on shared storage ----------------------------------------------------------------
#
# Whoever owns a repository that the user may read could have put commands into its configuration.
# So Git never runs in it, but in an empty one of our own that borrows its objects and its refs.


def repository_commit(request: Request) -> Dict[str, Any]:
    """The commit that the first of some names stands for; empty if none does."""
    with borrowed(request) as folder:
        for name in request["names"]:
            asked = git(request, folder, "rev-parse", "--verify", "--quiet", name + "^{commit}")
            done = subprocess.run(stdout=subprocess.PIPE, **asked)
            if done.returncode == 0:
                return {"commit": done.stdout.decode().strip()}
    return {"commit": ""}


def repository_bundle(request: Request) -> Dict[str, Any]:
    """A commit with its history as data: a Git bundle."""
    sent = 0
    with borrowed(request) as folder, tempfile.TemporaryFile() as words:
        write(os.path.join(folder, "HEAD"), request["commit"])
        asked = git(request, folder, "bundle", "create", "-", "HEAD")
        with subprocess.Popen(stdout=subprocess.PIPE, stderr=words, **asked) as process:
            try:
                for piece in iter(lambda: process.stdout.read(PIECE_BYTES), b""):  # type: ignore[union-attr]
                    sent += len(piece)
                    if sent > request["limit"]:
                        raise unreadable("It has more than %d MiB." % (request["limit"] >> 20))
                    send(request, piece)
            except Refused:
                process.kill()
                raise
        if process.returncode != 0:
            words.seek(0)
            raise unreadable(words.read().decode("utf-8", "replace").strip())
    return {"bytes": sent}


def send(request: Request, piece: bytes) -> None:
    sys.stdout.write("\n%s+%s\n" % (request["nonce"], base64.b64encode(piece).decode()))
    signal.alarm(COMMAND_SECONDS)


@contextlib.contextmanager
def borrowed(request: Request) -> Iterator[str]:
    """A repository without configuration, whose objects and refs are those of another."""
    signal.signal(signal.SIGALRM, too_slow)
    signal.alarm(COMMAND_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        try:
            head, common = parts(request)
            write(os.path.join(folder, "HEAD"), first_line(os.path.join(head, "HEAD")))
        except OSError as error:
            raise unreadable(str(error)) from error
        os.makedirs(os.path.join(folder, "objects", "info"))
        write(os.path.join(folder, "objects", "info", "alternates"), common + "/objects")
        for name in ("refs", "packed-refs"):
            os.symlink(os.path.join(common, name), os.path.join(folder, name))
        yield folder
    signal.alarm(0)


def parts(request: Request) -> Tuple[str, str]:
    """Where a repository's own HEAD is, and where all else is: not the same for a worktree."""
    path = request["repository"]
    head = os.path.join(path, ".git")
    if os.path.isfile(head):
        head = os.path.join(path, first_line(head).partition("gitdir:")[2].strip())
    elif not os.path.isdir(head):
        head = path
    common = os.path.join(head, first_line(os.path.join(head, "commondir")))
    roots = [os.path.realpath(root).rstrip("/") + "/" for root in request["roots"]]
    for place in (path, head, common):
        if not any((os.path.realpath(place) + "/").startswith(root) for root in roots):
            raise unreadable("%s leads to somewhere else." % place)
    if not os.path.isfile(os.path.join(head, "HEAD")):
        raise unreadable("%s is not a Git repository." % path)
    if os.path.exists(os.path.join(common, "shallow")):
        raise unreadable("Its history is cut off; git fetch --unshallow gets the rest.")
    return head, os.path.realpath(common)


def git(request: Request, folder: str, *arguments: str) -> Dict[str, Any]:
    """How a command of Git is run in such a repository."""
    return {
        "args": [find_program("git", request["path"])] + list(arguments),
        "cwd": folder,
        "stdin": subprocess.DEVNULL,
        "env": {
            "PATH": ":".join(request["path"]),
            "HOME": folder,
            "LC_ALL": "C.UTF-8",
            "GIT_DIR": folder,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            # What is missing is fetched from nowhere.
            "GIT_ALLOW_PROTOCOL": "",
        },
    }


def unreadable(words: str) -> Refused:
    return Refused("repository", words)


def too_slow(_signal: int, _frame: Any) -> None:
    raise unreadable("Git was silent for %d s." % COMMAND_SECONDS)


# -- small files -----------------------------------------------------------------------------------


def read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def first_line(path: str) -> str:
    """The beginning of a file that somebody else may have written."""
    try:
        with open(path, "rb") as file:
            return file.readline(4096).decode("utf-8", "surrogateescape").strip()
    except FileNotFoundError:
        return ""


def write(path: str, text: str) -> None:
    """Write a file that is whole or not there, and that nobody else can read."""
    temporary = path + ".new"
    with open(temporary, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)


OPERATIONS = {
    "whoami": whoami,
    "submit": submit,
    "find": find,
    "cancel": cancel,
    "observe": observe,
    "tail": tail,
    "repository-commit": repository_commit,
    "repository-bundle": repository_bundle,
    "shifter-lookup": shifter_lookup,
    "shifter-import": shifter_import,
}

if __name__ == "__main__":
    main()
