"""Files in Git LFS: what a commit holds of each is a pointer, and the repository's server has it.

The batch API, as far as downloads go, for what everybody may read, or one reader. A repository's
own `.lfsconfig` is not followed: the server is the one that the site takes the repository from.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from ..errors import NotFound, UserError
from .web import Question, Web

POINTER_BYTES = 1024
"""The longest pointer that there can be."""
POINTER = "^version https://git-lfs.github.com/spec/v1$"
ASKED_FOR_AT_ONCE = 100
"""So many objects are asked for in one question, as Git LFS does."""
DOWNLOADS_AT_ONCE = 8
"""As many as Git LFS has under way; for everybody together."""
_JSON = "application/vnd.git-lfs+json"
_FIELDS = re.compile(rb"^oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,15})$", re.MULTILINE)


@dataclass(frozen=True)
class Pointer:
    """What a commit says of a file: the hash of its content, and its length."""

    oid: str
    size: int


class _Action(BaseModel):
    href: str
    header: dict[str, str] = Field(default_factory=dict)


class _Actions(BaseModel):
    download: _Action | None = None


class _Object(BaseModel):
    oid: str
    actions: _Actions = _Actions()


class _Batch(BaseModel):
    objects: list[_Object]


def pointer(content: bytes | None) -> Pointer | None:
    """The pointer that a file is, if it is one."""
    found = _FIELDS.search(content or b"")
    if found is None or not (content or b"").startswith(POINTER[1:-1].encode() + b"\n"):
        return None
    return Pointer(found[1].decode(), int(found[2]))


def endpoint(repo_url: str) -> str:
    """Where a repository's server answers for LFS."""
    return f"{repo_url.removesuffix('.git')}.git/info/lfs/objects/batch"


class Lfs:
    """Downloads objects."""

    def __init__(self, web: Web):
        self._web = web
        self._at_once = asyncio.Semaphore(DOWNLOADS_AT_ONCE)

    async def download(
        self, repo_url: str, wanted: Mapping[Pointer, Path], authorization: str = ""
    ) -> set[Pointer]:
        """Have the objects as files, each at its place, as far as the server gives them to
        everybody, or to whom it authorizes. What is at its place already stays there."""
        there = {one for one, target in wanted.items() if target.exists()}
        missing = [one for one in wanted if one not in there]
        for start in range(0, len(missing), ASKED_FOR_AT_ONCE):
            some = missing[start : start + ASKED_FOR_AT_ONCE]
            actions = await self._ask(repo_url, some, authorization)
            given = [one for one in some if one.oid in actions]
            ends = await asyncio.gather(
                *(self._one(one, actions[one.oid], wanted[one]) for one in given),
                return_exceptions=True,
            )
            for one, end in zip(given, ends, strict=True):
                if end is None:
                    there.add(one)
                elif not isinstance(end, NotFound):
                    raise end
        return there

    async def _ask(
        self, repo_url: str, wanted: Sequence[Pointer], authorization: str
    ) -> Mapping[str, _Action]:
        body = {
            "operation": "download",
            "transfers": ["basic"],
            "objects": [{"oid": one.oid, "size": one.size} for one in wanted],
        }
        headers = {"Accept": _JSON, "Content-Type": _JSON}
        if authorization:
            headers["Authorization"] = authorization
        question = Question(endpoint(repo_url), "POST", headers, body=json.dumps(body).encode())
        answer = await self._web.ask(question)
        if answer.status == 429 or answer.status >= 500:
            raise UserError(
                "The repository's server has trouble with its files in Git LFS.",
                "Try again in a few minutes.",
                detail=f"HTTP status {answer.status}",
                status=502,
            )
        try:
            told = _Batch.model_validate_json(answer.body if answer.status == 200 else b"")
        except ValidationError:
            return {}
        return {one.oid: one.actions.download for one in told.objects if one.actions.download}

    async def _one(self, wanted: Pointer, action: _Action, target: Path) -> None:
        """Under another name until it is known to be what was wanted."""
        temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}.new")
        try:
            async with self._at_once:
                size = max(wanted.size, 1)
                await self._web.download(action.href, temporary, size, action.header)
            if await asyncio.to_thread(_pointer_to, temporary) != wanted:
                raise UserError(
                    "A file in Git LFS is not what the commit says that it is.",
                    "Tell whoever keeps the repository.",
                )
            temporary.rename(target)
        finally:
            temporary.unlink(missing_ok=True)


def _pointer_to(path: Path) -> Pointer:
    with path.open("rb") as file:
        return Pointer(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)
