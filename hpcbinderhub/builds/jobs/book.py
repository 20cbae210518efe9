"""The builders' jobs that may exist, in a file: a service that was killed finds them again."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter


class BuilderJob(BaseModel):
    """One job, from before it is submitted until Slurm says that it has ended. Nothing in it opens
    a door: of ticket and token it holds the digests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    directory: str
    intended: float
    """When the submission was decided, by our clock: an older job is not ours."""

    id: str = ""
    ticket_digest: str = ""
    token_digest: str = ""
    used: bool = False
    """Whether the token was seen: the ticket is worth nothing any more."""

    node: str = ""
    cancelled: bool = False

    @property
    def worker(self) -> str:
        """The builder's name in the queue."""
        return f"job-{self.id}"


_jobs = TypeAdapter(list[BuilderJob])


class JobBook:
    """The records, in memory and in the file."""

    def __init__(self, path: Path):
        self._path = path
        self._writing = asyncio.Lock()
        self._jobs = {job.name: job for job in _read(path)}

    def all(self) -> list[BuilderJob]:
        """The oldest first."""
        return list(self._jobs.values())

    def find(self, matches: Callable[[BuilderJob], bool]) -> BuilderJob | None:
        """The job that matches, if there is one."""
        return next((job for job in self._jobs.values() if matches(job)), None)

    async def add(self, job: BuilderJob) -> BuilderJob:
        """Remember a new one."""
        self._jobs[job.name] = job
        await self._write()
        return job

    async def change(self, job: BuilderJob, **values: str | bool) -> BuilderJob:
        """Change a record: the one that is here by now, which may not be the one that was read."""
        return await self.add(self._jobs[job.name].model_copy(update=values))

    async def drop(self, job: BuilderJob) -> None:
        """Forget it, and with it its token."""
        self._jobs.pop(job.name, None)
        await self._write()

    async def _write(self) -> None:
        async with self._writing:
            await asyncio.to_thread(_replace, self._path, _jobs.dump_json(self.all()))


def digest_of(secret: str) -> str:
    """What is kept of a ticket or a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_of(secret: str, digest: str) -> bool:
    """Whether this is the ticket or token; in constant time, and never for an empty digest."""
    return bool(digest) and hmac.compare_digest(digest_of(secret), digest)


def _read(path: Path) -> list[BuilderJob]:
    try:
        return _jobs.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []


def _replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
