"""A real Slurm on this host, where each of many users has a job that sleeps."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tests.builds.jobs.own_slurm import OwnSlurm, until
from tests.slurm.accounts import accounts, unused

QUERY = re.compile(r"^\s*(REQUEST_\w*INFO\w*)\s.*count:(\d+)", re.MULTILINE)
OURS = "REQUEST_STATS_INFO"
"""What `sdiag` itself asks."""
START_SECONDS = 300


class SlurmWithUsers(OwnSlurm):
    """Only root can have it: the accounts are this host's, as long as it lasts."""

    def __init__(self, folder: Path, users: int):
        super().__init__(folder, cpus=users)
        folder.chmod(0o755)
        name = unused("b")
        self.job_of: dict[str, str] = {}
        """Each user's."""
        self._users = [f"{name}-{number}" for number in range(users)]
        self._stack = ExitStack()

    def __enter__(self) -> SlurmWithUsers:
        with self._stack as stack:
            stack.enter_context(accounts(**dict.fromkeys(self._users, "/bin/sh")))
            stack.callback(self.stop)
            self.start()
            sleep = ("--chdir=/", "--output=/dev/null", "--wrap=exec sleep 7200")
            for user in self._users:
                self.job_of[user] = self.command("sbatch", "--parsable", f"--uid={user}", *sleep)
            until(lambda: self._sleeping() == len(self.job_of), START_SECONDS)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def end_jobs(self) -> None:
        """At once: Slurm waits half a minute for what does not end when it is asked to."""
        self.command("scancel", "--full", "--signal=KILL", *self.jobs())
        super().end_jobs()

    def _sleeping(self) -> int:
        return (
            self.command("squeue", "--noheader", "--states=RUNNING", "--format=%A").count("\n") + 1
        )

    def queries(self) -> int:
        """How often the controller was asked for anything so far, by its own count."""
        counts = dict(QUERY.findall(self.command("sdiag")))
        return sum(int(number) for name, number in counts.items() if name != OURS)
