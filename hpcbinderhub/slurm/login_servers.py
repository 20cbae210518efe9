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
import socket
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import Unavailable, UserError
from ..profiles import Profile, Resources
from ..site import Site
from .apart import Apart
from .cluster import Cluster, Submission, Submitted
from .jobs import Job, Owned, job_from

log = logging.getLogger(__name__)

GRACE_SECONDS = 20.0
DAMAGED = "What the login node has of this launch is no record of a server."
ADVICE = (
    "Launch again; if it goes on, look at the start files of your login shell there, and for "
    "processes of yours that are left."
)


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


def hosts_of(site: Site) -> list[str]:
    """Where servers may run. Without SSH that is one host, and no name for it is needed."""
    return [""] if site.transport == "local" else site.login_hosts


class LoginServers:
    """All servers on login nodes that somebody waits for, by the names of their runs."""

    def __init__(self, cluster: Cluster, hosts: Iterable[str], watcher_user: str):
        self._cluster = cluster
        self._hosts = tuple(hosts)
        self._watcher_user = watcher_user
        self._known: dict[Owned, Known] = {}
        self._apart = Apart()

    def know(self, known: Known) -> None:
        """Look after this one from now on."""
        self._known[Owned(known.run.id, known.user)] = known

    def known(self, job: str, user: str) -> Known | None:
        """What is known of a run of hers."""
        return self._known.get(Owned(job, user))

    def forget(self, job: str, user: str) -> None:
        """The opposite of `know`."""
        self._known.pop(Owned(job, user), None)

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
            run = self._run_from(answer["run"])
            self.know(Known(user, submission.name, submission.directory, run))
            return Submitted(run.id, answer["ticket_digest"])
        raise Unavailable("; ".join(problems))

    async def find(self, user: str, name: str, directory: str) -> str:
        """See `Queue.find`."""
        answer = await self._cluster.on_login_node("", user, "served", directory=directory)
        if not answer["run"]:
            return ""
        run = self._run_from(answer["run"])
        self.know(Known(user, name, directory, run))
        return run.id

    def _run_from(self, told: object) -> Run:
        """A run whose record passed through what is its user's to write: so it is where servers
        may run, or it is none."""
        try:
            run = Run.model_validate(told)
        except ValidationError as error:
            raise UserError(DAMAGED, ADVICE, detail=str(error), status=502) from error
        if run.address not in self._hosts:
            raise UserError(DAMAGED, ADVICE, detail=f"{run.address[:100]} is no login node.")
        return run

    async def cancel(self, user: str, job: str) -> None:
        """See `Queue.cancel`. It has some seconds for its end; the watcher sees that."""
        known = self.known(job, user)
        if known:
            await self._ask_owner(known, "server-end")

    async def observe(self, jobs: Iterable[Owned]) -> dict[Owned, Job]:
        """How these are: each host is asked once, as the watcher's account. A host that does not
        answer leaves its servers as they were."""
        hosts: dict[str, list[Known]] = defaultdict(list)
        for one in jobs:
            known = self._known.get(one)
            if known:
                hosts[known.run.address].append(known)
        answers = await asyncio.gather(
            *(self._on_host(host, found) for host, found in hosts.items()), return_exceptions=True
        )
        seen: dict[Owned, Job] = {}
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
        one = Owned(job, owner)
        return (await self.observe([one])).get(one)

    async def _on_host(self, host: str, found: list[Known]) -> dict[Owned, Job]:
        uids = await self._cluster.uids(known.user for known in found)
        found = [known for known in found if known.user in uids]
        runs = [{**known.run.model_dump(), "uid": uids[known.user]} for known in found]
        answer = await self._cluster.on_login_node(host, self._watcher_user, "servers", runs=runs)
        seen, over = {}, {}
        for known in found:
            one = Owned(known.run.id, known.user)
            state = answer["states"][known.run.id]
            if state in ("running", "restarted"):
                words = "RUNNING" if state == "running" else "HOST_RESTARTED"
                seen[one] = _job(known, uids[known.user], words)
            elif state == "elsewhere":
                log.warning("%s is not %s any more, where servers run", host, known.run.host)
            else:
                over[one] = known
        for one, end in (await self._ends(over)).items():
            words, code = str(end["state"]), str(end["exit_code"])
            seen[one] = _job(over[one], uids[one.owner], words, code)
        return seen

    async def _ends(self, over: dict[Owned, Known]) -> dict[Owned, dict[str, Any]]:
        """How these ended, as their owners alone can see. Who cannot say it, or not in time, leaves
        her own servers as they were and nobody else's."""
        questions = {
            one: partial(self._ask_owner, known, "server-outcome") for one, known in over.items()
        }
        try:
            return await self._apart.ask(questions)
        except (Unavailable, UserError) as error:
            log.warning("How servers on login nodes ended is not known: %s", error)
            return {}

    async def _ask_owner(self, known: Known, operation: str) -> dict[str, Any]:
        return await self._cluster.on_login_node(
            known.run.address,
            known.user,
            operation,
            directory=known.directory,
            run=known.run.model_dump(),
        )


def _job(known: Known, uid: int, state: str, exit_code: str = "") -> Job:
    """A run in the words of Slurm's jobs, which spawners and pages understand."""
    run = known.run
    return job_from(
        {
            "id": run.id,
            "uid": str(uid),
            "name": known.name,
            "state": state,
            "reason": "",
            "node": run.address.partition(":")[0] or socket.gethostname(),
            "submitted": run.began,
            "started": run.began,
            "ends": run.ends,
            "exit_code": exit_code,
        }
    )
