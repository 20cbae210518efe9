"""A cluster as the hub sees it, without one: the agent's answers, from jobs that the test moves.

The contract is `hpcbinderhub/slurm/agent/jobs.py`. It answers whoever asks, as the transport does,
so all that is between a spawner and the login node is the real thing.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, BinaryIO

from hpcbinderhub.errors import Unavailable
from hpcbinderhub.slurm.framing import AgentError

FIRST_UID = 2001
CLAIMANT = "c1" * 16
"""What the start command of these jobs calls itself."""

OVER = (
    *("COMPLETED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED"),
    *("BOOT_FAIL", "DEADLINE", "FAILED", "REVOKED"),
)


class SlurmInMemory:
    """A transport to a cluster that does what the test says, and counts what it is asked."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.logs: dict[str, str] = {}
        self.asked: Counter[str] = Counter()
        self.down = False
        """No login node answers."""

        self.ahead = 0
        """How many seconds its clock is before the hub's."""
        self.accounting_down = False
        self.cleared: list[tuple[str, str]] = []
        """Whose launches' directories hold no keys any more."""

        self.swept: list[tuple[str, str, int]] = []
        """Whose folders of launches were swept, of what is older than so many days."""

        self.forgotten: set[str] = set()
        """What the controller does not name any more."""

        self.cancels: list[list[str]] = []
        """What `scancel` was called with, each time."""

        self.refusal: AgentError | None = None
        """What `sbatch` says instead of taking a job."""

        self.sbatch = asyncio.Event()
        """Cleared, `sbatch` takes its time."""

        self.sbatch.set()
        self.submitting = 0
        self.most_submitting = 0
        self._folders: dict[str, dict[str, Any]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}
        self._submissions: set[asyncio.Task[str]] = set()

    # -- what the test does --------------------------------------------------------------------

    @property
    def jobs(self) -> list[str]:
        """The ids of all jobs that are not over, and of all elements of arrays."""
        return [number for number, row in self.rows.items() if row["state"] not in OVER]

    def change(self, job: str, state: str, **values: Any) -> None:
        """Have a job be in that state from now on."""
        self.rows[job].update({"state": state, **values})

    def run(self, job: str, node: str = "127.0.0.1", minutes: int = 60) -> None:
        """Have a job start on a node."""
        now = int(time.time())
        self.change(job, "RUNNING", node=node, started=now, ends=now + 60 * minutes, reason="None")

    def end(self, job: str, state: str = "COMPLETED", code: str = "0:0", **values: Any) -> None:
        """Have a job be over."""
        self.change(job, state, ends=int(time.time()), exit_code=code, **values)

    def ticket(self, job: str) -> str:
        """The ticket that lies in the job's directory."""
        return str(self._folder(job)["claim"]["ticket"])

    def options(self, job: str) -> list[str]:
        """What `sbatch` was called with."""
        return list(self._folder(job)["options"])

    def _folder(self, job: str) -> dict[str, Any]:
        array = job.partition("_")[0]
        return next(folder for folder in self._folders.values() if folder.get("job") == array)

    def log(self, job: str, text: str) -> None:
        """What a job has printed."""
        directory = next(d for d, f in self._folders.items() if f.get("job") == job)
        self.logs[f"{directory}/job.log"] = text

    # -- what the hub asks ---------------------------------------------------------------------

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None
    ) -> dict[str, Any]:
        """See `hpcbinderhub.slurm.transport.Transport`."""
        operation = request["op"]
        self.asked[operation] += 1
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("No login node could be used.")
        answer: dict[str, Any] = await getattr(self, f"_{operation.replace('-', '_')}")(
            user, request
        )
        return answer

    def uid(self, user: str) -> int:
        """Each user's own."""
        return self._users.setdefault(user, FIRST_UID + len(self._users))

    async def _whoami(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "user": user,
            "uid": self.uid(user),
            "home": f"/home/{user}",
            "groups": [],
            "associations": [
                {"account": "physics", "partition": "", "qos": "normal", "default_qos": ""}
            ],
            "default_account": "physics",
        }

    async def _uids(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        return {"uids": {name: self.uid(name) for name in request["users"]}}

    async def _nodes(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        return {"nodes": ["127.0.0.1"]}

    async def _submit(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        # As on a login node, what began goes on when whoever asked is gone.
        task = asyncio.create_task(self._submit_once(user, request))
        self._submissions.add(task)
        task.add_done_callback(self._submissions.discard)
        job = await asyncio.shield(task)
        ticket = self._folders[request["directory"]]["claim"]["ticket"]
        return {"job": job, "ticket_digest": hashlib.sha256(ticket.encode()).hexdigest()}

    async def _submit_once(self, user: str, request: dict[str, Any]) -> str:
        directory = request["directory"]
        async with self._locks.setdefault(directory, asyncio.Lock()):
            folder = self._folders.setdefault(directory, {})
            if "job" not in folder:
                folder |= {"claim": request["claim"], "options": request["options"]}
                folder["job"] = await self._sbatch(user, request["name"], request["options"])
            return str(folder["job"])

    async def _sbatch(self, user: str, name: str, options: Sequence[str]) -> str:
        self.submitting += 1
        self.most_submitting = max(self.most_submitting, self.submitting)
        try:
            await asyncio.sleep(0.001)
            await self.sbatch.wait()
        finally:
            self.submitting -= 1
        if self.refusal:
            raise self.refusal
        number = str(100 + len(self.rows))
        plain = {
            "uid": str(self.uid(user)),
            "name": name,
            "state": "PENDING",
            "reason": "Priority",
            "node": "",
            "submitted": int(time.time()),
            "started": 0,
            "ends": 0,
            "exit_code": "",
        }
        tasks = [option for option in options if option.startswith("--array=0-")]
        last = int(tasks[0].rpartition("-")[2]) if tasks else -1
        for job in [f"{number}_{task}" for task in range(last + 1)] or [number]:
            self.rows[job] = {"id": job, **plain}
        return number

    async def _find(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        async with self._locks.setdefault(request["directory"], asyncio.Lock()):
            return {"job": self._folders.get(request["directory"], {}).get("job", "")}

    async def _cancel(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        self.cancels.append(list(request["jobs"]))
        asked = set(request["jobs"])
        for job, row in self.rows.items():
            named = job in asked or job.partition("_")[0] in asked
            if named and row["state"] not in OVER and int(row["uid"]) == self.uid(user):
                self.end(job, "CANCELLED")
        return {}

    async def _observe(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        there = self.rows.keys() - self.forgotten
        rows = [self._told(job) for job in request["jobs"] if job in there]
        return {"jobs": rows, "time": time.time() + self.ahead}

    async def _history(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        if self.accounting_down:
            raise AgentError("unreachable", "Unable to connect to database")
        rows = [self._told(job) for job in request["jobs"] if job in self.rows]
        return {"jobs": rows, "time": time.time() + self.ahead}

    def _told(self, job: str) -> dict[str, Any]:
        row = self.rows[job]
        return dict(row, ends=row["ends"] and row["ends"] + self.ahead)

    async def _tail(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        return {"text": self.logs.get(f"{request['directory']}/{request['file']}", "")}

    async def _clear_keys(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        self.cleared.append((user, request["directory"]))
        return {"removed": 3}

    async def _sweep_launches(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        self.swept.append((user, request["root"], request["days"]))
        return {"gone": 0}
