"""Elements of job arrays: `123_4` is one; those that wait are one row for Slurm, `5-39,41%4`."""

import re
from typing import Dict, Iterable, List, Optional

# Users' words can look like a row: no number is too long to count with.
SPAN = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10})(?::([0-9]{1,10}))?)?\Z")


def array_of(job: str) -> str:
    """The job that an element is of; any other job is its own."""
    return job.partition("_")[0]


def spans(tasks: str) -> List[range]:
    """The numbers that Slurm writes so, whatever it says of how many of them may run at once."""
    found = []
    for part in tasks.partition("%")[0].split(","):
        match = SPAN.match(part)
        if match:
            first, last, step = match.groups()
            found.append(range(int(first), int(last or first) + 1, int(step or 1) or 1))
    return found


def how_many(tasks: Optional[str]) -> int:
    """For how many jobs a row stands."""
    return max(1, sum(len(span) for span in spans(tasks or "")))


class Wanted:
    """Jobs and elements that are asked about."""

    def __init__(self, jobs: Iterable[str]) -> None:
        self.all = set(jobs)
        self.tasks: Dict[str, List[int]] = {}
        for job in self.all:
            array, _, task = job.partition("_")
            if task:
                self.tasks.setdefault(array, []).append(int(task))

    def named(self, number: str, array: Optional[str], tasks: Optional[str]) -> List[str]:
        """Those among them that a row is about which says this of itself."""
        found = [number] if number in self.all else []
        if not array or not tasks or array not in self.tasks:
            return found
        if tasks.isdigit():
            one = array + "_" + tasks
            return found + [one] if one in self.all else found
        there = spans(tasks)
        theirs = self.tasks[array]
        return found + ["%s_%d" % (array, t) for t in theirs if any(t in span for span in there)]

    def elements(self) -> List[str]:
        """Those that are elements."""
        return [job for job in self.all if array_of(job) != job]


def together(jobs: Iterable[str]) -> List[str]:
    """As few words as `scancel` takes for them, each of which is a question of its own to the
    controller: `7`, `123_[4,7-9]`."""
    asked = Wanted(jobs)
    words = sorted(job for job in asked.all if array_of(job) == job)
    for array in sorted(asked.tasks):
        words.append("%s_[%s]" % (array, in_ranges(sorted(asked.tasks[array]))))
    return words


def in_ranges(tasks: List[int]) -> str:
    """`4,7-9` for 4, 7, 8 and 9."""
    parts: List[List[int]] = []
    for task in tasks:
        if parts and task == parts[-1][1] + 1:
            parts[-1][1] = task
        else:
            parts.append([task, task])
    return ",".join(str(low) if low == high else "%d-%d" % (low, high) for low, high in parts)
