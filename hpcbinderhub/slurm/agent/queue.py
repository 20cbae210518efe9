"""What Slurm knows of jobs: the controller of those that live, accounting of those that are over.

One look at the queue is `scontrol show jobs`, which costs slurmctld one RPC however many jobs there
are (Slurm 22.05, by `sdiag`); `squeue` costs two, since it loads the partitions as well, and
`scontrol show job ID` one for each job. It prints what users wrote, though: a line end in a job's
name or comment can make up a row. So a row counts only where nothing is odd about its job; what is
odd, and whatever a secret or an address hangs on, is asked of `squeue` in columns that users have
no say in.
"""

import re
import time
from typing import Any, Dict, Iterable, List

from .basics import COMMAND_SECONDS, Refused, Request, Row, checked

SEPARATOR = "\x1f"
CLEAN_COLUMNS = ("%A", "%U", "%T", "%V", "%S", "%e", "%B", "%r")
SACCT_FIELDS = "JobIDRaw,UID,State,Submit,Start,End,NodeList,ExitCode"

WHO_SECONDS = 5

ROW = re.compile(r"^JobId=([0-9]+) ")
FIELD = re.compile(
    r" (UserId|Priority|JobState|Reason|ExitCode|SubmitTime|StartTime|EndTime|Partition|BatchHost)"
    r"=(\S*)"
)
NEEDED = {"UserId", "JobState", "Priority", "Partition", "SubmitTime"}


def observe(request: Request) -> Dict[str, Any]:
    """The jobs among these that the controller has, with their places in the queue; or, if `clean`,
    only what users have no say in."""
    wanted = set(request["jobs"])
    if request["clean"]:
        return {"jobs": clean_rows(request, wanted), "time": time.time()}
    text = checked(request, ["scontrol", "--oneliner", "--all", "--local", "show", "jobs"])
    # Not splitlines: names may hold what Python takes for an end of line as well.
    lines = [line for line in text.split("\n") if ROW.match(line)]
    found = {}  # type: Dict[str, List[Dict[str, str]]]
    for line in lines:
        number = line[6 : line.index(" ")]
        if number in wanted:
            found.setdefault(number, []).append(fields_of(line))
    odd = {job for job, rows in found.items() if len(rows) > 1 or not NEEDED <= set(rows[0])}
    rows = [queue_row(job, found[job][0]) for job in found if job not in odd]
    if odd:
        rows += clean_rows(request, odd)
    count_ahead(rows, lines)
    add_who_cancelled(request, [row for row in rows if row["state"] == "CANCELLED"])
    return {"jobs": rows, "time": time.time()}


def fields_of(line: str) -> Dict[str, str]:
    """What a row says; nothing where it says something twice."""
    pairs = FIELD.findall(line)
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else {}


def queue_row(job: str, fields: Dict[str, str]) -> Row:
    row = row_of(
        job,
        fields["UserId"].rpartition("(")[2].rstrip(")"),
        fields["JobState"],
        fields["SubmitTime"],
        fields.get("StartTime", ""),
        fields.get("EndTime", ""),
        fields.get("BatchHost", ""),
        fields.get("Reason", ""),
        fields.get("ExitCode", ""),
    )
    row["partition"] = fields["Partition"]
    row["priority"] = int(fields["Priority"])
    return row


def count_ahead(rows: List[Row], lines: List[str]) -> None:
    """How many jobs of the same partition wait with a higher priority, for each row that waits."""
    waiting = [row for row in rows if row["state"] == "PENDING" and "priority" in row]
    if not waiting:
        return
    priorities = {}  # type: Dict[str, List[int]]
    for line in lines:
        if " JobState=PENDING " in line:
            fields = fields_of(line)
            if NEEDED <= set(fields) and fields["Priority"].isdigit():
                priorities.setdefault(fields["Partition"], []).append(int(fields["Priority"]))
    for row in waiting:
        there = priorities.get(row["partition"], [])
        row["ahead"] = sum(1 for priority in there if priority > row["priority"])


def add_who_cancelled(request: Request, rows: List[Row]) -> None:
    """Accounting alone knows whose account it was; without its answer, that stays unsaid."""
    if not rows:
        return
    jobs = "--jobs=" + ",".join(row["id"] for row in rows)
    try:
        past = past_rows(request, [jobs, "--allusers"], WHO_SECONDS)
    except Refused:
        return
    by = {row["id"]: row["by"] for row in past}
    for row in rows:
        row["by"] = by.get(row["id"], "")


def clean_rows(request: Request, wanted: Iterable[str], options: Iterable[str] = ()) -> List[Row]:
    """Rows of `squeue`, without a column that a user could write a line end into."""
    jobs = sorted(wanted)
    pattern = SEPARATOR.join(CLEAN_COLUMNS)
    arguments = ["squeue", "--noheader", "--states=all", "--format=" + pattern]
    arguments += ["--jobs=" + ",".join(jobs)] if jobs else []
    try:
        out = checked(request, arguments + list(options))
    except Refused as refusal:
        if "Invalid job id" in str(refusal):
            return []
        raise
    rows = []
    for line in out.split("\n"):
        cells = line.split(SEPARATOR)
        if len(cells) == len(CLEAN_COLUMNS):
            rows.append(row_of(*cells))
    return rows


def history(request: Request) -> Dict[str, Any]:
    """What accounting has of these jobs. It is slower than the controller to know."""
    rows = past_rows(request, ["--jobs=" + ",".join(request["jobs"]), "--allusers"])
    return {"jobs": rows, "time": time.time()}


def past_rows(request: Request, filters: List[str], patience: int = COMMAND_SECONDS) -> List[Row]:
    command = ["sacct", "--noheader", "--allocations", "--parsable2", "--format=" + SACCT_FIELDS]
    out = checked(request, command + filters, patience)
    rows = []
    for line in out.split("\n"):
        cells = line.split("|")
        if len(cells) == SACCT_FIELDS.count(",") + 1:
            job, uid, state, submitted, start, end, node, code = cells
            row = row_of(job, uid, state, submitted, start, end, node, "", code)
            # "CANCELLED by 1001"
            row["by"] = state.partition(" by ")[2]
            rows.append(row)
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
    code: str = "",
) -> Row:
    return {
        "id": job,
        "uid": uid,
        "state": state.split(" ")[0],
        "submitted": seconds(submitted),
        "started": seconds(start),
        "ends": seconds(end),
        "node": "" if node in ("n/a", "(null)", "None assigned") else node,
        "reason": reason,
        "exit_code": code,
    }


def seconds(text: str) -> int:
    """A time as Slurm printed it under SLURM_TIME_FORMAT=%s; 0 where there is none."""
    return int(text) if text.isdigit() else 0


def living_ids(request: Request, name: str, uid: int, since: int) -> List[str]:
    """Ids of a user's jobs of that name that the controller has, submitted since then."""
    rows = clean_rows(request, (), ["--name=" + name, "--user=%d" % uid])
    return [row["id"] for row in rows if row["submitted"] >= since]


def all_ids(request: Request, name: str, uid: int, since: int) -> List[str]:
    """The same, with those that are long over."""
    found = living_ids(request, name, uid, since)
    if found:
        return found
    start = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(since))
    rows = past_rows(request, ["--name=" + name, "--uid=%d" % uid, "--starttime=" + start])
    return [row["id"] for row in rows if row["submitted"] >= since]
