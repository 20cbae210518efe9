"""A job that was submitted from a launch's directory, found again. Of an array, it is the array."""

import time
from collections import OrderedDict
from typing import Iterable, List

from .basics import Request, checked
from .past import records_of
from .queue import SEPARATOR, clean_records
from .rows import seconds


def living_ids(request: Request, name: str, uid: int, since: int) -> List[str]:
    """Ids of a user's jobs of that name that the controller has, submitted since then."""
    records = clean_records(request, ["--name=" + name, "--user=%d" % uid])
    return once(record.array for record in records if record.row["submitted"] >= since)


def all_ids(request: Request, name: str, uid: int, since: int) -> List[str]:
    """The same, with those that are long over."""
    found = living_ids(request, name, uid, since)
    if found:
        return found
    start = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(since))
    records = records_of(request, ["--name=" + name, "--uid=%d" % uid, "--starttime=" + start])
    return once(record.array for record in records if record.row["submitted"] >= since)


def ids_in(request: Request, directory: str, uid: int, since: int) -> List[str]:
    """The id of a user's job that works in a launch's directory, whatever its name is by now: users
    can rename jobs. None if there are several, since anybody's own job may say that it works there.
    """
    pattern = SEPARATOR.join(("%F", "%V", "%Z"))
    out = checked(request, ["squeue", "--noheader", "--user=%d" % uid, "--format=" + pattern])
    found = []
    for line in out.split("\n"):
        job, _, rest = line.partition(SEPARATOR)
        submitted, _, place = rest.partition(SEPARATOR)
        if place == directory and job.isdigit() and seconds(submitted) >= since:
            found.append(job)
    ids = once(found)
    return ids if len(ids) == 1 else []


def once(jobs: Iterable[str]) -> List[str]:
    """In their order."""
    return list(OrderedDict.fromkeys(jobs))
