"""What accounting knows of jobs, among them those that are over. It is slower than the controller.

An element of an array that is cancelled while it waits leaves no record, neither there nor with the
controller (Slurm 22.05). So one is cancelled that nobody names while its array is known.
"""

import re
import time
from typing import Any, Dict, Iterable, List

from .basics import COMMAND_SECONDS, Refused, Request, Row, checked
from .elements import Wanted, array_of
from .rows import Record, row_of

SACCT_FIELDS = "JobID,JobIDRaw,UID,State,Submit,Start,End,NodeList,ExitCode"
ELEMENT = re.compile(r"([0-9]+)_(?:([0-9]+)|\[(.*)\])\Z")
NO_JOB = re.compile("(bad|invalid) job", re.IGNORECASE)


def history(request: Request) -> Dict[str, Any]:
    """What accounting has of these jobs."""
    wanted = Wanted(request["jobs"])
    records = past_of(request, sorted({array_of(job) for job in wanted.all}))
    rows = told_of(wanted, records)
    named = {row["id"] for row in rows}
    rows += cancelled_unseen([job for job in wanted.elements() if job not in named], records)
    return {"jobs": rows, "time": time.time()}


def past_of(request: Request, jobs: List[str]) -> List[Record]:
    """One that accounting takes for no job keeps nothing from being told of the others: it is
    looked for by halves, and left out."""
    try:
        return records_of(request, ["--jobs=" + ",".join(jobs), "--allusers"])
    except Refused as refusal:
        if not NO_JOB.search(str(refusal)):
            raise
    if len(jobs) == 1:
        return []
    middle = len(jobs) // 2
    return past_of(request, jobs[:middle]) + past_of(request, jobs[middle:])


def told_of(wanted: Wanted, records: Iterable[Record]) -> List[Row]:
    """The rows of those that are wanted."""
    rows = []
    for record in records:
        named = wanted.named(record.number, record.array, record.tasks)
        rows += [dict(record.row, id=job) for job in named]
    return rows


def cancelled_unseen(elements: Iterable[str], records: Iterable[Record]) -> List[Row]:
    """The end of elements that nobody names, of arrays that accounting knows. If all that waited
    went at once, it has the array itself, and by whom."""
    arrays: Dict[str, Record] = {}
    for record in records:
        if not record.tasks or record.array not in arrays:
            arrays[record.array] = record
    rows = []
    for job in elements:
        known = arrays.get(array_of(job))
        if known:
            row = dict(known.row, id=job, state="CANCELLED", started=0, node="", exit_code="")
            rows.append(row if not known.tasks else dict(row, by="", ends=0))
    return rows


def records_of(
    request: Request, filters: List[str], patience: int = COMMAND_SECONDS
) -> List[Record]:
    command = ["sacct", "--noheader", "--allocations", "--parsable2", "--format=" + SACCT_FIELDS]
    out = checked(request, command + filters, patience)
    records = []
    for line in out.split("\n"):
        cells = line.split("|")
        if len(cells) == SACCT_FIELDS.count(",") + 1:
            job, number, uid, state, submitted, start, end, node, code = cells
            row = row_of(number, uid, state, submitted, start, end, node, "", code)
            # "CANCELLED by 1001"
            row["by"] = state.partition(" by ")[2]
            element = ELEMENT.match(job)
            array, one, some = element.groups() if element else (number, "", "")
            records.append(Record(number, array, one or some, row))
    return records
