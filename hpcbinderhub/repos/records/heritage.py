"""Software Heritage: objects of Git's, by their own names, from its vault.

A revision is a commit already; a directory is a tree, of which a commit is made. Both are known
before anything is fetched, and whatever comes is what its name says, or Git refuses it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import tarfile
from pathlib import Path
from typing import IO

from pydantic import BaseModel

from ...errors import NotFound, UserError
from ..command import BareRepository
from ..identifiers import HERITAGE
from ..web import Web
from .tree import commit_content, commit_of_tree
from .unpack import damaged, too_large

_SWHID = re.compile(r"/swh:1:(dir|rev|rel):([0-9a-f]{40})$")
_OBJECT = re.compile(
    r"(?:^|/)objects/(?P<path>[0-9a-f]{2}/[0-9a-f]{38}|pack/pack-[0-9a-f]+\.(?:pack|idx))$"
)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0


class Release(BaseModel):
    """What a release is of."""

    target: str
    target_type: str


class Bundle(BaseModel):
    """How far the vault is with one."""

    status: str
    fetch_url: str | None = None
    progress_message: str | None = None


class Heritage:
    """See the module."""

    def __init__(self, web: Web, base: str, limit: int, patience: float = 900):
        self._web = web
        self._base = base
        self._limit = limit
        self._patience = patience

    async def resolve(self, url: str) -> str:
        """The commit of an object."""
        kind, name = await self._object(url)
        if kind == "rev":
            return name
        content = commit_content(name, _message(name), 0)
        return hashlib.sha1(b"commit %d\0" % len(content) + content).hexdigest()

    async def fetch(self, url: str, repository: BareRepository) -> None:
        """Have an object, and all that it is made of, in the repository."""
        kind, name = await self._object(url)
        address = await self._cooked(f"swh:1:{kind}:{name}")
        async with repository.git.scratch() as scratch:
            bundle = scratch / "bundle.tar"
            await self._web.download(address, bundle, self._limit)
            source = BareRepository(scratch / "source.git", repository.git)
            await source.git("init", "--quiet", "--bare", "--", str(source.path))
            objects = source.path / "objects"
            await asyncio.to_thread(_take_objects, bundle, objects, self._limit)
            if kind == "dir":
                name = await commit_of_tree(source, name, _message(name), 0)
            await source.keep(name, "refs/heads/bundle")
            await _take_over(repository, source, name)

    async def _object(self, url: str) -> tuple[str, str]:
        """Its kind and its name; what a release is of, for a release."""
        found = _SWHID.search(url)
        if not found:
            raise NotFound(f"{url} is not an object of Software Heritage.", "Check its id.")
        kind, name = found.groups()
        if kind != "rel":
            return kind, name
        release = await self._web.read(f"{self._base}/api/1/release/{name}/", Release)
        kinds = {"revision": "rev", "directory": "dir"}
        if release.target_type not in kinds:
            raise UserError(
                f"This release is of a {release.target_type}, which cannot be launched.",
                "Paste the id of a directory or a revision.",
            )
        return kinds[release.target_type], release.target

    async def _cooked(self, swhid: str) -> str:
        """Where the bundle is, once the vault has made it."""
        url = f"{self._base}/api/1/vault/git-bare/{swhid}/"
        pause = FIRST_PAUSE
        try:
            async with asyncio.timeout(self._patience):
                bundle = await self._web.read(url, Bundle, "POST")
                while bundle.status in ("new", "pending"):
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                    bundle = await self._web.read(url, Bundle)
        except TimeoutError as error:
            raise UserError(
                "Software Heritage is still preparing this object.",
                "Large ones take hours the first time. Launch it again later.",
                status=504,
            ) from error
        if bundle.status != "done":
            raise UserError(
                "Software Heritage could not prepare this object.",
                "Try again later, or with another revision.",
                detail=bundle.progress_message or "",
                status=502,
            )
        return f"{url}raw/"


def _message(directory: str) -> str:
    return f"{HERITAGE}swh:1:dir:{directory}"


def _take_objects(bundle: Path, objects: Path, limit: int) -> None:
    """The objects of a bundled repository, and nothing of its configuration and hooks."""
    left = limit
    try:
        with tarfile.open(bundle) as opened:
            for member in opened:
                found = _OBJECT.search(member.name) if member.isreg() else None
                content = opened.extractfile(member) if found else None
                if found and content:
                    left -= member.size
                    if left < 0:
                        raise too_large(limit)
                    _write(objects / found["path"], content)
    except tarfile.TarError as error:
        raise damaged(error) from error


def _write(target: Path, content: IO[bytes]) -> None:
    target.parent.mkdir(exist_ok=True)
    with target.open("wb") as file:
        while chunk := content.read(2**20):
            file.write(chunk)


async def _take_over(repository: BareRepository, source: BareRepository, name: str) -> None:
    """A fetch, since with that Git reads every object and computes its name."""
    settings = ("protocol.file.allow=always", "transfer.unpackLimit=1")
    await repository(
        *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", str(source.path)),
        f"+{name}:refs/hpcbinder/{name}",
        url="The bundle from Software Heritage",
        settings=settings,
    )
