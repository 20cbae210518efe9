"""Slurm's programs, which say what a transcript says; the agent that runs them is the real one.

The contract is what Slurm 22.05 prints. `SlurmInMemory` answers instead of the agent; here the
words of `sbatch`, `scontrol`, `squeue`, `scancel` and `sacct` go all the way to the spawner.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import time
from pathlib import Path
from typing import Any, BinaryIO

from service.agent_here import AgentHere

PROGRAM = """#!/bin/sh
echo {name} "$@" >> {folder}/asked
env > {folder}/{name}.environment
{script}
"""
ROW = (
    "JobId={job} JobName={name} UserId=alice({uid}) GroupId=alice({uid}) MCS_label=N/A Priority=9 "
    "Nice=0 JobState={state} Reason=None Requeue=0 Restarts=0 ExitCode=0:0 SubmitTime={now} "
    "StartTime={start} EndTime=Unknown Partition=interactive NodeList={node} BatchHost={node}"
)


class SlurmInWords(AgentHere):
    """A way to the agent, on a login node with these programs."""

    def __init__(self, folder: Path, job: str):
        super().__init__()
        self.folder = folder
        self.job = job
        self.name = ""
        self.now = int(time.time())
        (folder / "bin").mkdir(parents=True)
        for quiet in ("sacct", "scontrol", "scancel", "squeue"):
            self.prints(quiet)
        self.prints("sacctmgr", "physics||normal|normal")
        self.does("sbatch", f"cat > {folder}/script\necho {job}")

    @property
    def site(self) -> dict[str, Any]:
        """What `c.Site` says of it. Nodes are reached through the login node."""
        path = [str(self.folder / "bin"), "/usr/bin", "/bin"]
        root = str(self.folder / "workspaces")
        return {"slurm_path": path, "workspace_root": root, "hop": "login", "room_mb": 0}

    # -- what the transcript says --------------------------------------------------------------

    def does(self, program: str, script: str) -> None:
        """From now on."""
        text = PROGRAM.format(name=program, folder=self.folder, script=script)
        new = self.folder / "bin" / f".{program}"
        new.write_text(text)
        new.chmod(0o755)
        # In one step, since it may be about to be run.
        new.rename(self.folder / "bin" / program)

    def prints(self, program: str, text: str = "") -> None:
        """From now on, and ends well."""
        self.does(program, f"printf '%s\\n' {shlex.quote(text)}" if text else "")

    def fails(self, program: str, words: str) -> None:
        """From now on: says this where errors are said."""
        self.does(program, f"echo {shlex.quote(words)} >&2\nexit 1")

    def queue(self, state: str, node: str = "") -> None:
        """The controller has the job, and says this of it."""
        uid = os.getuid()
        start = self.now if node else "Unknown"
        values = {"job": self.job, "uid": uid, "state": state, "node": node, "now": self.now}
        self.prints("scontrol", ROW.format(**values, start=start, name=self.name))
        times = (str(self.now), str(start), "N/A")
        columns = (self.job, self.job, "N/A", str(uid), state, *times, node or "n/a", "None")
        self.prints("squeue", "\x1f".join(columns))

    def forgets(self) -> None:
        """The controller has no job."""
        self.prints("scontrol", "No jobs in the system")
        self.prints("squeue")

    def remembers(self, state: str) -> None:
        """Accounting has the job, and says this of it."""
        now = str(self.now)
        columns = (
            self.job,
            self.job,
            str(os.getuid()),
            state,
            now,
            now,
            now,
            "None assigned",
            "0:0",
        )
        self.prints("sacct", "|".join(columns))

    # -- what became of it ---------------------------------------------------------------------

    def asked(self, program: str) -> list[str]:
        """How this program was called, in order."""
        log = self.folder / "asked"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in lines if line.split(" ")[0] == program]

    def environment(self, program: str) -> str:
        """With which variables it was called last."""
        return (self.folder / f"{program}.environment").read_text()

    @property
    def script(self) -> str:
        """What `sbatch` was given to run."""
        return (self.folder / "script").read_text()

    def ticket(self, job: str) -> str:
        """The ticket that lies in the job's directory."""
        (claim,) = self.folder.glob("workspaces/**/claim.json")
        return str(json.loads(claim.read_text())["ticket"])

    # -- what the hub asks ---------------------------------------------------------------------

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None
    ) -> dict[str, Any]:
        """See `hpcbinderhub.slurm.transport.Transport`."""
        self.name = request.get("name", self.name)
        return await super().call(user, request, data)

    async def open_stream(
        self, user: str, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """What listens on any node is on this host."""
        return await asyncio.open_connection("127.0.0.1", port)
