"""Servers on login nodes: to a spawner, a queue whose jobs start at once.

Each runs below a process that the agent left there (`agent/servers.py`), on one host, and is asked
about on that one again. What is known of it comes from the agent's first answer and is kept by the
hub; what lies on shared storage is only asked for where that answer was lost.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from ..errors import Unavailable, UserError
from ..profiles import Profile, Resources
from .cluster import Cluster, Submission, Submitted
from .jobs import Job, job_from

log = logging.getLogger(__name__)

GRACE_SECONDS = 20.0


class Run(BaseModel):
    """One server's process, as the agent found it when it was started."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    address: str
    """The login node as the site names it."""

    host: str
    boot: str
    """Which start of that host it was."""

    pid: int
    start: int
    began: int
    ends: int


@dataclass(frozen=True)
class Known:
    """A run, and whose it is."""

    user: str
    name: str
    directory: str
    run: Run


@dataclass(frozen=True)
class Limits:
    """What one server may have; the agent holds it to that."""

    seconds: int
    memory_mb: int
    cpus: int
    processes: int
    warn: int
    """How long before its end a server has everything saved."""

    grace: float = GRACE_SECONDS


def limits_of(profile: Profile, resources: Resources) -> Limits:
    """The limits of a launch."""
    return Limits(
        seconds=resources.minutes * 60,
        memory_mb=resources.memory_mb,
        cpus=resources.cpus,
        processes=profile.processes,
        warn=profile.warn_seconds,
    )


@dataclass(frozen=True)
class Serving(Submission):
    """What is started: a script, as of a job, within limits."""

    limits: Limits = field(kw_only=True)


class LoginServers:
    """All servers on login nodes that somebody waits for, by the names of their runs."""

    def __init__(self, cluster: Cluster, hosts: Iterable[str], watcher_user: str):
        self._cluster = cluster
        self._hosts = tuple(hosts)
        self._watcher_user = watcher_user
        self._known: dict[str, Known] = {}

    def know(self, known: Known) -> None:
        """Look after this one from now on."""
        self._known[known.run.id] = known

    def known(self, job: str) -> Known | None:
        """What is known of a run."""
        return self._known.get(job)

    def forget(self, job: str) -> None:
        """The opposite of `know`."""
        self._known.pop(job, None)

    async def submit(self, user: str, submission: Submission) -> Submitted:
        """Start it on one of the login nodes, by chance, or on the next one if that cannot be
        reached. The launch's directory, which all of them see, knows if one has started it."""
        assert isinstance(submission, Serving)
        problems = []
        for host in random.sample(self._hosts, len(self._hosts)):
            try:
                answer = await self._cluster.on_login_node(
                    host,
                    user,
                    "serve",
                    address=host,
                    directory=submission.directory,
                    directories=submission.directories,
                    script=submission.script,
                    claim=submission.claim,
                    roots=submission.roots,
                    free_mb=submission.free_mb,
                    limits=dataclasses.asdict(submission.limits),
                )
            except Unavailable as error:
                problems.append(str(error))
                continue
            run = Run.model_validate(answer["run"])
            self.know(Known(user, submission.name, submission.directory, run))
            return Submitted(run.id, answer["ticket_digest"])
        raise Unavailable("; ".join(problems))

    async def find(self, user: str, name: str, directory: str) -> str:
        """See `Queue.find`."""
        answer = await self._cluster.on_login_node("", user, "served", directory=directory)
        if not answer["run"]:
            return ""
        run = Run.model_validate(answer["run"])
        self.know(Known(user, name, directory, run))
        return run.id

    async def cancel(self, user: str, job: str) -> None:
        """See `Queue.cancel`. It has some seconds for its end; the watcher sees that."""
        known = self._known.get(job)
        if known:
            await self._ask_owner(known, "server-end")

    async def observe(self, jobs: Iterable[str]) -> dict[str, Job]:
        """How these are: each host is asked once, as the watcher's account. A host that does not
        answer leaves its servers as they were."""
        hosts: dict[str, list[Known]] = defaultdict(list)
        for job in jobs:
            known = self._known.get(job)
            if known:
                hosts[known.run.address].append(known)
        answers = await asyncio.gather(
            *(self._on_host(host, found) for host, found in hosts.items()), return_exceptions=True
        )
        seen: dict[str, Job] = {}
        problems = []
        for answer in answers:
            if isinstance(answer, (Unavailable, UserError)):
                problems.append(answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                seen |= answer
        if problems and not seen:
            raise problems[0]
        return seen

    async def certain(self, owner: str, job: str) -> Job | None:
        """See `Queue.certain`: all that is said comes from the agent's own first answer."""
        return (await self.observe([job])).get(job)

    async def _on_host(self, host: str, found: list[Known]) -> dict[str, Job]:
        runs = [{**known.run.model_dump(), "uid": await self._uid(known)} for known in found]
        answer = await self._cluster.on_login_node(host, self._watcher_user, "servers", runs=runs)
        seen = {}
        for known in found:
            state = answer["states"][known.run.id]
            if state == "running":
                seen[known.run.id] = await self._job(known, "RUNNING")
            elif state == "restarted":
                seen[known.run.id] = await self._job(known, "HOST_RESTARTED")
            elif state == "elsewhere":
                log.warning("%s is not %s any more, where servers run", host, known.run.host)
            else:
                end = await self._ask_owner(known, "server-outcome")
                seen[known.run.id] = await self._job(known, end["state"], end["exit_code"])
        return seen

    async def _ask_owner(self, known: Known, operation: str) -> dict[str, Any]:
        return await self._cluster.on_login_node(
            known.run.address,
            known.user,
            operation,
            directory=known.directory,
            run=known.run.model_dump(),
        )

    async def _job(self, known: Known, state: str, exit_code: str = "") -> Job:
        """A run in the words of Slurm's jobs, which spawners and pages understand."""
        run = known.run
        return job_from(
            {
                "id": run.id,
                "uid": str(await self._uid(known)),
                "name": known.name,
                "state": state,
                "reason": "",
                "node": run.address.partition(":")[0] or run.host,
                "submitted": run.began,
                "started": run.began,
                "ends": run.ends,
                "exit_code": exit_code,
            }
        )

    async def _uid(self, known: Known) -> int:
        return (await self._cluster.member(known.user)).account.uid
