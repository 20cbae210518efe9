"""The cluster as typed operations: what the hub may ask of Slurm, as whom."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from ..errors import NotFound, Unavailable, UserError
from ..site import Site
from ..workspaces import Account
from .availability import Partition, partition_from
from .folders import Folder, Room, folder_from
from .framing import AgentError
from .jobs import Job, Stage, job_from
from .transport import Transport
from .transport.configured import transport_of

ACCOUNT_SECONDS = 300
LOOKS_AT_ONCE = 8

WORKSPACE_REFUSALS = {
    "gone": ("There is no such workspace.", "Load the page again.", 404),
    "busy": ("A launch is making this workspace ready.", "Wait for it, or cancel it first.", 409),
    "unsaved": (
        "This workspace holds work that is nowhere else, as far as can be told.",
        "Push or copy what you need, or delete it with `force`.",
        409,
    ),
}


@dataclass(frozen=True)
class Association:
    """A Slurm account that a user may charge."""

    account: str
    partition: str
    qos: str
    default_qos: str = ""


@dataclass(frozen=True)
class Member:
    """A user, as login node and Slurm accounting know her."""

    account: Account
    associations: tuple[Association, ...]
    default_account: str = ""
    """Slurm's choice for a job that names none."""

    @property
    def slurm_accounts(self) -> list[str]:
        """The Slurm accounts she may charge, each once, in Slurm's order."""
        return list(dict.fromkeys(entry.account for entry in self.associations))


@dataclass(frozen=True)
class Submission:
    """Everything that one `sbatch` needs."""

    name: str
    directory: str
    directories: tuple[str, ...]
    options: tuple[str, ...]
    script: str
    claim: dict[str, Any]
    roots: tuple[str, ...] = ()
    """Where there has to be room before it is submitted."""
    free_mb: int = 0


@dataclass(frozen=True)
class Submitted:
    """A job, and the digest of the ticket that it carries."""

    job: str
    ticket_digest: str


class Queue(Protocol):
    """Who runs what users' servers are: Slurm, or the login nodes themselves."""

    async def submit(self, user: str, submission: Submission) -> Submitted:
        """Start it once, however often this is asked."""
        ...

    async def find(self, user: str, name: str, directory: str) -> str:
        """The id of what was started for a launch's directory, or an empty string."""
        ...

    async def cancel(self, user: str, job: str) -> None:
        """Have it end. One that has ended is no error."""
        ...

    async def certain(self, owner: str, job: str) -> Job | None:
        """It as it is now, in nothing that a user could have written: for what a secret or an
        address hangs on."""
        ...


class Cluster:
    """One Slurm cluster, reached through its login nodes."""

    def __init__(self, transport: Transport, site: Site):
        self._transport = transport
        self._path = list(site.slurm_path)
        self._env = dict(site.slurm_environment)
        self._watcher_user = site.watcher_user
        self._watch_as = site.watch_as
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._shifter_user = site.shifter_gateway_user
        self._roots = list(site.repository_paths)
        self._repository_limit = site.push_mb * 2**20
        self._members: dict[str, tuple[float, Member]] = {}

    @property
    def transport(self) -> Transport:
        """How its login nodes are reached."""
        return self._transport

    async def member(self, user: str) -> Member:
        """Who the user is on the cluster; remembered for some minutes."""
        known = self._members.get(user)
        if known and time.monotonic() - known[0] < ACCOUNT_SECONDS:
            return known[1]
        try:
            answer = await self._call(user, "whoami")
        except Unavailable:
            if known:
                # Who she is has hardly changed since; what she may charge is for Slurm to say.
                return known[1]
            raise
        member = Member(
            Account(answer["user"], answer["uid"], answer["home"]),
            tuple(
                Association(row["account"], row["partition"], row["qos"], row["default_qos"])
                for row in answer["associations"]
            ),
            answer["default_account"],
        )
        if member.associations:
            self._members[user] = (time.monotonic(), member)
        return member

    async def submit(self, user: str, submission: Submission) -> Submitted:
        """Submit once; a repeated submission of the same directory gives the same job."""
        answer = await self._call(
            user,
            "submit",
            name=submission.name,
            directory=submission.directory,
            directories=submission.directories,
            options=submission.options,
            script=submission.script,
            claim=submission.claim,
            roots=submission.roots,
            free_mb=submission.free_mb,
        )
        return Submitted(answer["job"], answer["ticket_digest"])

    async def find(self, user: str, name: str, directory: str) -> str:
        """The id of the job that was submitted for a launch's directory, or an empty string."""
        return str((await self._call(user, "find", name=name, directory=directory))["job"])

    async def cancel(self, user: str, job: str) -> None:
        """Cancel a job of the user's."""
        await self._call(user, "cancel", job=job)

    async def observe(self, jobs: Mapping[str, str]) -> dict[str, Job]:
        """The state of these jobs (each with its owner): from the queue, and from accounting what
        the queue has forgotten. Where accounting is silent, the queue's word stands alone."""
        seen = await self.queue(jobs)
        missing = {job: owner for job, owner in jobs.items() if job not in seen}
        if missing:
            with suppress(Unavailable, UserError):
                seen |= await self.history(missing)
        return seen

    async def queue(self, jobs: Mapping[str, str]) -> dict[str, Job]:
        """Those among these jobs that the controller has: one question for all, or one for each
        owner where the watcher's account sees nobody's (`c.Site.watch_as`)."""
        return await self._look("observe", jobs, clean=False)

    async def history(self, jobs: Mapping[str, str]) -> dict[str, Job]:
        """Those among these jobs that accounting says are over."""
        seen = await self._look("history", jobs)
        return {number: job for number, job in seen.items() if job.stage is Stage.ENDED}

    async def certain(self, owner: str, job: str) -> Job | None:
        """See `Queue.certain`."""
        return (await self._look("observe", {job: owner}, clean=True)).get(job)

    async def _look(
        self, operation: str, jobs: Mapping[str, str], **arguments: Any
    ) -> dict[str, Job]:
        owners: dict[str, list[str]] = {}
        for job, owner in jobs.items():
            asked_as = owner if self._watch_as == "users" else self._watcher_user
            owners.setdefault(asked_as, []).append(job)
        answers = await asyncio.gather(
            *(
                self._look_as(asked_as, operation, jobs=sorted(theirs), **arguments)
                for asked_as, theirs in owners.items()
            ),
            return_exceptions=True,
        )
        seen: dict[str, Job] = {}
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        if failures and len(failures) == len(answers):
            raise failures[0]
        for answer in answers:
            # Whose question failed is not known any better than before; the others are.
            if not isinstance(answer, BaseException):
                seen |= answer
        return seen

    async def _look_as(self, user: str, operation: str, **arguments: Any) -> dict[str, Job]:
        async with self._looks:
            answer = await self._call(user, operation, **arguments)
        skew = answer["time"] - time.time()
        return {row["id"]: job_from(row, skew) for row in answer["jobs"]}

    async def partitions(self) -> list[Partition]:
        """What every partition has and what of it is free, as the watcher's account sees it."""
        answer = await self._call(self._watcher_user, "availability")
        return [partition_from(row) for row in answer["partitions"]]

    async def wait_for(self, user: str, options: Sequence[str]) -> float:
        """How many seconds a job of the user's with these options would wait, by Slurm's reckoning
        and the login node's clock."""
        answer = await self._call(user, "forecast", options=options)
        return max(0.0, float(answer["start"]) - float(answer["now"]))

    async def log_tail(self, user: str, directory: str, size: int = 4000) -> str:
        """The end of a launch's log."""
        answer = await self._call(user, "tail", directory=directory, bytes=size)
        return str(answer["text"])

    async def clear(self, user: str, directory: str) -> None:
        """Remove the directory of a job that has ended; one that is gone is no error."""
        await self._call(user, "clear", directory=directory)

    async def workspaces(
        self, user: str, root: str, name: str = "", *, measure: bool = True
    ) -> tuple[list[Folder], Room | None]:
        """The workspaces in a folder of the user's, or the one of that name, and its storage."""
        answer = await self._call(user, "workspaces", root=root, name=name, measure=measure)
        room = answer["storage"]
        return [folder_from(row) for row in answer["workspaces"]], Room(**room) if room else None

    async def delete_workspace(self, user: str, root: str, name: str, *, force: bool) -> None:
        """Delete one; what is nowhere else only with `force`."""
        await self._call(user, "delete-workspace", root=root, name=name, force=force)

    async def image_lookup(self, user: str, engine: str, image: str) -> str:
        """The id by which an engine knows an image of the user's, or an empty string."""
        answer = await self._call(user, "image-lookup", engine=engine, image=image)
        return str(answer["id"])

    async def image_pull(self, user: str, engine: str, image: str) -> str:
        """Have an engine pull an image as the user; what it said. A look-up tells whether it did,
        since its exit code does not."""
        return str((await self._call(user, "image-pull", engine=engine, image=image))["said"])

    async def image_remove(self, user: str, engine: str, image: str) -> None:
        """Have an engine remove its copy of an image of the user's, if there is one."""
        await self._call(user, "image-remove", engine=engine, image=image)

    async def about(self, user: str) -> dict[str, Any]:
        """The agent that answers, its node's clock, and which of Slurm's programs are missing."""
        return await self._call(user, "about")

    async def slurm_settings(self, user: str) -> dict[str, Any]:
        """What Slurm is set to, as far as this user may see it."""
        return await self._call(user, "slurm-settings")

    async def shifter_import(self, url: str, path: str) -> None:
        """Have Shifter's gateway take in a squashfs file."""
        await self._call(self._shifter_user, "shifter-import", url=url, path=path)

    async def repository_commit(self, user: str, path: str, names: Sequence[str]) -> str:
        """The commit that the first of these names stands for in a repository on the user's
        storage, read as her; an empty string if none does."""
        answer = await self._call(
            user, "repository-commit", repository=path, roots=self._roots, names=names
        )
        return str(answer["commit"])

    async def repository_bundle(self, user: str, path: str, commit: str, target: BinaryIO) -> None:
        """A commit of such a repository, with its history, as a Git bundle."""
        await self._call(
            user,
            "repository-bundle",
            target,
            repository=path,
            roots=self._roots,
            commit=commit,
            limit=self._repository_limit,
        )

    async def on_login_node(
        self, host: str, user: str, operation: str, **arguments: Any
    ) -> dict[str, Any]:
        """One of the agent's operations on servers, on that login node; on any if it is empty."""
        request = self._request(operation, arguments)
        try:
            return await self._transport.call(user, request, host=host)
        except AgentError as error:
            raise explain(error) from error

    async def _call(
        self, user: str, operation: str, data: BinaryIO | None = None, **arguments: Any
    ) -> dict[str, Any]:
        try:
            return await self._transport.call(user, self._request(operation, arguments), data)
        except AgentError as error:
            if error.kind == "unreachable":
                raise Unavailable(f"Slurm does not answer: {error}") from error
            raise explain(error) from error

    def _request(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"op": operation, "path": self._path, "env": self._env, **arguments}


def explain(error: AgentError) -> UserError:
    """What the agent refused, as a sentence and a way out."""
    words = str(error)
    if error.kind == "full":
        return UserError(
            "Your storage is full: the files that a launch needs could not be written.",
            "Delete what you no longer need, or ask for a larger quota, and launch again.",
            detail=words,
            status=507,
        )
    if error.kind == "no-room":
        return UserError(
            f"Your storage is full: {words}.",
            "Delete what you no longer need, or ask for a larger quota, and launch again.",
            status=507,
        )
    if error.kind == "storage":
        return UserError(
            "Your storage on the cluster could not be written.",
            "Log in to the cluster and check your home directory, or ask your help desk.",
            detail=words,
        )
    if error.kind == "repository":
        return NotFound(
            "This repository on the cluster's storage cannot be read.",
            "Log in to the cluster and check that `git log` works there.",
            detail=words,
        )
    if error.kind == "server":
        return UserError(
            "The login node could not start the server.",
            "Launch again; if it goes on, show these words to your help desk.",
            detail=words,
            status=502,
        )
    if error.kind == "slurm":
        return UserError("Slurm refused the job.", slurm_advice(words), detail=words)
    if error.kind == "forecast":
        return UserError("Slurm would refuse this job.", slurm_advice(words), detail=words)
    if error.kind in WORKSPACE_REFUSALS:
        message, advice, status = WORKSPACE_REFUSALS[error.kind]
        return UserError(message, advice, detail=words, status=status)
    return UserError(
        "The cluster refused the request.",
        "If it goes on, show these words to your help desk.",
        detail=words,
    )


def slurm_advice(words: str) -> str:
    """What to do about a refusal of `sbatch`, by its own words."""
    table: Sequence[tuple[str, str]] = (
        ("Invalid account", "Choose an account that you may charge on this partition."),
        ("time limit", "Ask for less time, or choose another profile."),
        ("accounting/QOS policy", "You are at a limit of your account; ask for less or wait."),
        ("not available", "Choose another profile, or wait until the nodes are back."),
        ("Invalid partition", "Tell your facility: the profile's partition is not there."),
        ("Invalid qos", "Choose another profile: its QOS is not yours."),
        ("Memory", "Ask for less memory: choose another profile."),
    )
    for sign, advice in table:
        if sign.lower() in words.lower():
            return advice
    return "Choose another profile or account; if it goes on, show these words to your help desk."


def cluster_of(site: Site) -> Cluster:
    """The site's cluster, reached the way it is configured."""
    return Cluster(transport_of(site), site)
