"""Many servers that wait in the queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .person import Person
from .rig import Rig, eventually

QUIET_SECONDS = 120


class Crowd:
    """So many servers of a few people, asked of the hub itself: no launch is needed to wait."""

    def __init__(self, rig: Rig, people: Sequence[Person], options: dict[str, Any]):
        self._rig = rig
        self._people = people
        self._options = options
        # JupyterHub takes no server's name that begins with a digit.
        self._mark = f"c{rig.unique()[:11]}"
        self._servers: list[tuple[Person, str]] = []

    def start(self, number: int) -> None:
        """Ask for that many, each a job of its own."""
        for count in range(number):
            owner, name = self._people[count % len(self._people)], f"{self._mark}{count:03d}"
            asked = self._options | {"launch": name}
            answer = owner.hub("POST", f"users/{owner.name}/servers/{name}", asked)
            assert answer.status_code == 202, answer.text
            self._servers.append((owner, name))

    def waiting(self) -> int:
        """How many of them wait in Slurm's queue."""
        return len(self._jobs())

    def submitting(self) -> int:
        """How many `sbatch` run on the login node."""
        return len(self._rig.processes("login", "^sbatch --parsable"))

    def leave(self) -> None:
        """End the jobs, and then what JupyterHub knows of the servers."""
        eventually(self._end_jobs, QUIET_SECONDS, "no server starts")
        for owner, name in self._servers:
            owner.hub("DELETE", f"users/{owner.name}/servers/{name}", {"remove": True})

    def _end_jobs(self) -> bool:
        if jobs := self._jobs():
            self._rig.slurm("scancel", *jobs)
        return not any(person.servers() for person in self._people)

    def _jobs(self) -> list[str]:
        form = ("--noheader", "--states=PENDING", "--format=%i %j")
        rows = [line.split() for line in self._rig.slurm("squeue", *form).splitlines()]
        return [job for job, name in rows if name.startswith(f"hpcbinder-{self._mark}")]


@contextmanager
def crowd(rig: Rig, people: Sequence[Person], options: dict[str, Any]) -> Iterator[Crowd]:
    """People who leave when the test is over."""
    made = Crowd(rig, people, options)
    try:
        yield made
    finally:
        made.leave()
