"""The cluster as typed operations: what the hub may ask of Slurm, as whom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from ..errors import Unavailable, UserError
from ..site import Site
from .availability import Partition, partition_from
from .folders import Folder, Room, folder_from
from .framing import AgentError, Limited, Sink
from .jobs import Job, Owned
from .looks import Looks
from .members import Member, Members
from .refusals import explain
from .transport import Transport
from .transport.configured import transport_of

NUMBER = re.compile("[0-9]{1,20}")
SHOWN = 100


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
    log: str = ""
    """The folder that its log goes to, if that is not its directory."""


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
        self._looks = Looks(self._call, site.watcher_user, as_owners=site.watch_as == "users")
        self._shifter_user = site.shifter_gateway_user
        self._roots = list(site.repository_paths)
        self._repository_limit = site.push_mb * 2**20
        self._members = Members(lambda user: self._call(user, "whoami"))

    @property
    def transport(self) -> Transport:
        """How its login nodes are reached."""
        return self._transport

    async def member(self, user: str) -> Member:
        """Who the user is on the cluster; remembered for some minutes."""
        return await self._members.find(user)

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
            log=submission.log,
        )
        return Submitted(_number(answer["job"]), answer["ticket_digest"])

    async def find(self, user: str, name: str, directory: str) -> str:
        """The id of the job that was submitted for a launch's directory, or an empty string."""
        answer = await self._call(user, "find", name=name, directory=directory)
        return _number(answer["job"]) if answer["job"] else ""

    async def cancel(self, user: str, job: str) -> None:
        """Cancel a job of the user's."""
        await self.cancel_all(user, [job])

    async def cancel_all(self, user: str, jobs: Sequence[str]) -> None:
        """Cancel jobs of the user's, whole arrays (`123`) and elements of them (`123_4`), with one
        question for each array however many. Those that are gone are no error."""
        if jobs:
            await self._call(user, "cancel", jobs=list(jobs))

    async def uids(self, users: Iterable[str]) -> dict[str, int]:
        """The uids of those among these users whom the login nodes know, in the watcher account's
        word and not in theirs."""
        return await self._looks.uids(users)

    async def observe(self, jobs: Iterable[Owned]) -> dict[Owned, Job]:
        """The state of these jobs: from the queue, and from accounting what the queue has
        forgotten. Where accounting is silent, the queue's word stands alone."""
        asked = list(jobs)
        seen = await self.queue(asked)
        missing = [one for one in asked if one not in seen]
        if missing:
            with suppress(Unavailable, UserError):
                seen |= await self.history(missing)
        return seen

    async def queue(self, jobs: Iterable[Owned]) -> dict[Owned, Job]:
        """Those among these jobs that the controller has: one question for all, or one for each
        owner where the watcher's account sees nobody's (`c.Site.watch_as`)."""
        return await self._looks.queue(jobs)

    async def history(self, jobs: Iterable[Owned]) -> dict[Owned, Job]:
        """Those among these jobs that accounting says are over."""
        return await self._looks.history(jobs)

    async def certain(self, owner: str, job: str) -> Job | None:
        """See `Queue.certain`."""
        return await self._looks.certain(owner, job)

    async def partitions(self) -> list[Partition]:
        """What every partition has and what of it is free, as the watcher's account sees it."""
        answer = await self._call(self._watcher_user, "availability")
        return [partition_from(row) for row in answer["partitions"]]

    async def wait_for(self, user: str, options: Sequence[str]) -> float:
        """How many seconds a job of the user's with these options would wait, by Slurm's reckoning
        and the login node's clock."""
        answer = await self._call(user, "forecast", options=options)
        return max(0.0, float(answer["start"]) - float(answer["now"]))

    async def log_tail(
        self, user: str, directory: str, size: int = 4000, *, name: str = "job.log"
    ) -> str:
        """The end of one of a launch's logs."""
        answer = await self._call(user, "tail", directory=directory, file=name, bytes=size)
        return str(answer["text"])

    async def clear(self, user: str, directory: str) -> None:
        """Remove the directory of a job that has ended; one that is gone is no error."""
        await self._call(user, "clear", directory=directory)

    async def clear_keys(self, user: str, directory: str) -> None:
        """Remove the keys of a launch whose server has ended."""
        await self._call(user, "clear-keys", directory=directory)

    async def sweep_launches(self, user: str, root: str, days: int) -> None:
        """Remove what nobody needs of the launches below a folder that were over so many days ago:
        nothing of what the user saved, and nothing of what may still run."""
        await self._call(user, "sweep-launches", root=root, days=days)

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
        await self._call(self._shifter_user, "shifter-import", url=url, file=path)

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
            Limited(target, self._repository_limit),
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
        self, user: str, operation: str, data: Sink | None = None, **arguments: Any
    ) -> dict[str, Any]:
        try:
            return await self._transport.call(user, self._request(operation, arguments), data)
        except AgentError as error:
            if error.kind == "unreachable":
                raise Unavailable(f"Slurm does not answer: {error}") from error
            raise explain(error) from error

    def _request(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"op": operation, "path": self._path, "env": self._env, **arguments}


def _number(job: object) -> str:
    """A job's id, which is asked about together with everybody else's from here on."""
    if isinstance(job, str) and NUMBER.fullmatch(job):
        return job
    raise UserError(
        "The cluster's answer names no job.",
        "Look at the start files of your login shell on the cluster: something answers in the "
        "agent's place. Then launch again.",
        detail=repr(job)[:SHOWN],
    )


def cluster_of(site: Site) -> Cluster:
    """The site's cluster, reached the way it is configured."""
    return Cluster(transport_of(site), site)
