"""What Slurm's controller knows of jobs.

One look at the queue is `scontrol show jobs`, which costs slurmctld one RPC however many jobs there
are (Slurm 22.05, by `sdiag`); `squeue` costs two, since it loads the partitions as well, and
`scontrol show job ID` one for each job. It prints what users wrote, though: a line end in a job's
name or comment can make up a row. So a row counts only where nothing is odd about its job; what is
odd, and whatever a secret or an address hangs on, is asked of `squeue` in columns that users have
no say in. What Slurm says of arrays comes before anything that a user wrote.
"""

import re
import time
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from .basics import Refused, Request, Row, checked
from .elements import Wanted, array_of, how_many
from .past import cancelled_unseen, records_of, told_of
from .rows import NUMBER, Record, row_of

SEPARATOR = "\x1f"
CLEAN_COLUMNS = ("%A", "%F", "%K", "%U", "%T", "%V", "%S", "%e", "%B", "%r")

WHO_SECONDS = 5

HEAD = re.compile(r"^JobId=([0-9]+) (?:ArrayJobId=([0-9]+) ArrayTaskId=(\S+) )?")
FIELD = re.compile(
    r" (UserId|Priority|JobState|Reason|ExitCode|SubmitTime|StartTime|EndTime|Partition|BatchHost)"
    r"=(\S*)"
)
NEEDED = {"UserId", "JobState", "Priority", "Partition", "SubmitTime"}

Line = NamedTuple("Line", [("array", Optional[str]), ("tasks", Optional[str]), ("text", str)])
Fields = Dict[str, str]


def observe(request: Request) -> Dict[str, Any]:
    """The jobs among these that the controller has, with their places in the queue; or, if `clean`,
    only what users have no say in."""
    wanted = Wanted(request["jobs"])
    if request["clean"]:
        return {"jobs": clean_rows(request, wanted), "time": time.time()}
    text = checked(request, ["scontrol", "--oneliner", "--all", "--local", "show", "jobs"])
    lines: List[Line] = []
    found: Dict[str, List[Fields]] = {}
    # Not splitlines: names may hold what Python takes for an end of line as well.
    for line in text.split("\n"):
        head = HEAD.match(line)
        if head:
            number, array, tasks = head.groups()
            lines.append(Line(array, tasks, line))
            named = wanted.named(number, array, tasks)
            fields = fields_of(line) if named else {}
            for job in named:
                found.setdefault(job, []).append(fields)
    odd = {job for job, rows in found.items() if len(rows) > 1 or not sound(rows[0])}
    rows = [queue_row(job, found[job][0]) for job in found if job not in odd]
    if odd:
        rows += clean_rows(request, Wanted(odd))
    count_ahead(rows, lines)
    rows = look_back(request, rows, without_record(wanted, found, lines))
    return {"jobs": rows, "time": time.time()}


def fields_of(line: str) -> Fields:
    """What a row says; nothing where it says something twice."""
    pairs = FIELD.findall(line)
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else {}


def sound(fields: Fields) -> bool:
    """Whether a row says all that is looked for."""
    return NEEDED <= set(fields) and bool(NUMBER.match(fields["Priority"]))


def queue_row(job: str, fields: Fields) -> Row:
    row = row_of(
        job,
        uid_of(fields),
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


def uid_of(fields: Fields) -> str:
    """The number in `alice(2001)`."""
    return fields["UserId"].rpartition("(")[2].rstrip(")")


def count_ahead(rows: List[Row], lines: List[Line]) -> None:
    """How many jobs of the same partition wait with a higher priority, for each row that waits."""
    waiting = [row for row in rows if row["state"] == "PENDING" and "priority" in row]
    if not waiting:
        return
    queues: Dict[str, Dict[int, int]] = {}
    for line in lines:
        if " JobState=PENDING " in line.text:
            fields = fields_of(line.text)
            if sound(fields):
                queue, priority = (
                    queues.setdefault(fields["Partition"], {}),
                    int(fields["Priority"]),
                )
                queue[priority] = queue.get(priority, 0) + how_many(line.tasks)
    ahead: Dict[Tuple[str, int], int] = {}
    for row in waiting:
        # Elements that wait have the same place.
        partition, mine = place = (row["partition"], row["priority"])
        if place not in ahead:
            queue = queues.get(partition, {})
            ahead[place] = sum(jobs for priority, jobs in queue.items() if priority > mine)
        row["ahead"] = ahead[place]


def without_record(wanted: Wanted, found: Iterable[str], lines: List[Line]) -> List[Row]:
    """The end of elements that no row is about, of arrays that the controller has."""
    arrays: Dict[str, Fields] = {}
    for line in lines:
        if line.array in wanted.tasks and line.array not in arrays:
            fields = fields_of(line.text)
            if sound(fields):
                arrays[line.array] = fields
    rows = []
    for job in set(wanted.elements()) - set(found):
        fields = arrays.get(array_of(job), {})
        if fields:
            rows.append(row_of(job, uid_of(fields), "CANCELLED", fields["SubmitTime"]))
    return rows


def look_back(request: Request, rows: List[Row], unnamed: List[Row]) -> List[Row]:
    """Accounting alone knows whose account cancelled a job, which is added to the rows, and whether
    what no row is about had run before. Without its answer, both stay unsaid."""
    cancelled = [row for row in rows if row["state"] == "CANCELLED"]
    if not cancelled and not unnamed:
        return rows
    asked = Wanted(row["id"] for row in cancelled + unnamed)
    jobs = "--jobs=" + ",".join(sorted({array_of(job) for job in asked.all}))
    try:
        records = records_of(request, [jobs, "--allusers"], WHO_SECONDS)
    except Refused:
        return rows
    past = {row["id"]: row for row in told_of(asked, records)}
    missing = [row["id"] for row in unnamed if row["id"] not in past]
    past.update((row["id"], row) for row in cancelled_unseen(missing, records))
    for row in cancelled:
        row["by"] = past.get(row["id"], {}).get("by", "")
    # Its list of those that wait is not always up to date; of those that ran, it has the end.
    waiting = {job for job, row in past.items() if row["state"] == "PENDING"}
    ends = [row if row["id"] in waiting else past.get(row["id"], row) for row in unnamed]
    return rows + [row for row in ends if row["ends"] or row["state"] == "CANCELLED"]


def clean_rows(request: Request, wanted: Wanted) -> List[Row]:
    """What is told of those that are wanted, in nothing that a user could have written."""
    return told_of(wanted, clean_records(request, ["--jobs=" + ",".join(sorted(wanted.all))]))


def clean_records(request: Request, filters: List[str]) -> List[Record]:
    """Lines of `squeue`, without a column that a user could write a line end into."""
    pattern = SEPARATOR.join(CLEAN_COLUMNS)
    arguments = ["squeue", "--noheader", "--states=all", "--format=" + pattern]
    try:
        out = checked(request, arguments + filters)
    except Refused as refusal:
        if "Invalid job id" in str(refusal):
            return []
        raise
    records = []
    for line in out.split("\n"):
        cells = line.split(SEPARATOR)
        if len(cells) == len(CLEAN_COLUMNS):
            number, array, tasks, *rest = cells
            tasks = "" if tasks == "N/A" else tasks
            records.append(Record(number, array, tasks, row_of(number, *rest)))
    return records
