"""Git's command, run for the service.

Every call is an argument list in an environment made from scratch: no system or user configuration,
no prompt, no hook, no transport but HTTP(S) unless a call names another.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, Unpack

from ..errors import NotFound, UserError

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "protocol.allow=never",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    # The guard has followed them, and looked at each.
    "http.followRedirects=false",
    "gc.auto=0",
)

ONLY_COPY = "hpcbinder-only-copy"
"""The file by which a repository is known that could not be fetched again."""


class More(TypedDict, total=False):
    """What a call of Git may need beside its arguments."""

    url: str
    """What an error is about."""
    settings: Sequence[str]
    stdin: bytes
    variables: Mapping[str, str]
    pipes: Sequence[int]
    """Those that stay open in Git and in what it starts."""


class Closed(NotFound):
    """Git was not let in: the repository is private to whoever asked, or is not there."""


class Git:
    """Runs Git, below one directory."""

    def __init__(self, home: Path, timeout: float):
        self._home = home
        self._timeout = timeout

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[Path]:
        """A directory that is gone afterwards."""
        path = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self._home))
        try:
            yield path
        finally:
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)

    async def __call__(self, *arguments: str, cwd: Path | None = None, **more: Unpack[More]) -> str:
        """What Git prints."""
        return (await self.bytes(*arguments, cwd=cwd, **more)).decode(errors="replace")

    async def bytes(self, *arguments: str, cwd: Path | None = None, **more: Unpack[More]) -> bytes:
        """What Git prints, as it is."""
        settings = (*_SETTINGS, *more.get("settings", ()))
        configured = [part for setting in settings for part in ("-c", setting)]
        url = more.get("url", "")
        process = await asyncio.create_subprocess_exec(
            "git",
            *configured,
            *arguments,
            cwd=cwd or self._home,
            env=_environment(self._home) | dict(more.get("variables", {})),
            pass_fds=more.get("pipes", ()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(self._timeout):
                out, err = await process.communicate(more.get("stdin", b""))
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise UserError(
                f"{url or 'Git'} did not answer in {self._timeout:.0f} s.",
                "Try again later, or check that the address is reachable from here.",
                status=504,
            ) from error
        if process.returncode != 0:
            raise explain(err.decode(errors="replace"), url)
        return out


@dataclass(frozen=True)
class BareRepository:
    """One repository of the cache."""

    path: Path
    git: Git

    async def __call__(self, *arguments: str, **more: Unpack[More]) -> str:
        """What Git prints, in this repository."""
        return await self.git(*arguments, cwd=self.path, **more)

    async def contents(self, ids: Sequence[str], limit: int) -> dict[str, bytes | None]:
        """What these names of Git's stand for; None for what has more bytes than the limit."""
        names = list(dict.fromkeys(ids))
        listed = await self("cat-file", "--batch-check=%(objectsize)", stdin=_lines(names))
        sizes = dict(zip(names, map(int, listed.split()), strict=True))
        small = [name for name in names if sizes[name] <= limit]
        rest = await self.git.bytes("cat-file", "--batch=", stdin=_lines(small), cwd=self.path)
        found: dict[str, bytes | None] = dict.fromkeys(names)
        for name in small:
            # Between line breaks: one where a header would be, and one after it.
            found[name], rest = rest[1 : sizes[name] + 1], rest[sizes[name] + 2 :]
        return found

    async def has(self, commit: str) -> bool:
        """Whether the commit is here."""
        return await self.commit_of(commit) is not None

    async def commit_of(self, name: str) -> str | None:
        """The commit that a full name of a ref, or the beginning of a commit's, stands for."""
        try:
            found = await self("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        except UserError:
            return None
        return found.strip()

    async def keeps(self, commit: str) -> bool:
        """Whether the commit is here with all that it is made of."""
        return await self.commit_of(f"refs/hpcbinder/{commit}") is not None

    async def size(self) -> int:
        """The bytes that its objects take up."""
        counted = await self("count-objects", "-v")
        kib = dict(line.split(": ", 1) for line in counted.splitlines())
        return (int(kib["size"]) + int(kib["size-pack"])) * 1024

    def note_as_only_copy(self) -> None:
        """Have it stay, since there is no server to fetch it from again."""
        (self.path / ONLY_COPY).touch()

    def leave_out_nothing(self) -> None:
        """Overrule what a repository wants left out of archives, or changed in them."""
        (self.path / "info").mkdir(exist_ok=True)
        (self.path / "info/attributes").write_text("* -export-ignore -export-subst\n")

    async def keep(self, commit: str, name: str = "") -> None:
        """Have a ref for the commit, so that it stays."""
        await self("update-ref", name or f"refs/hpcbinder/{commit}", commit)


def _lines(names: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _environment(home: Path) -> dict[str, str]:
    """Nothing but what Git needs, and the site's own certificates. Which proxy there is, if any, is
    the guard's to say: Git reads those variables otherwise than the guard does."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")
    }
    return passed | {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "LC_ALL": "C.UTF-8",
    }


_CAUSES: Sequence[tuple[str, type[UserError], str, str]] = (
    (
        r"could not read Username|Authentication failed|terminal prompts disabled|error: 40[13]",
        Closed,
        "{url} is private, or does not exist.",
        "Check the address, or make a public copy: this site keeps no credentials.",
    ),
    (
        r"not found|does not appear to be a git repository|not valid: is this a git repository",
        Closed,
        "{url} is not a Git repository.",
        "Check the address: it must work with `git clone`.",
    ),
    (
        r"Could not resolve host|Failed to connect|Couldn't connect|Connection refused|timed out",
        UserError,
        "{url} cannot be reached from here.",
        "Check the address; if it is right, the site's network may not allow it.",
    ),
    (
        r"[Rr]edirect|error: 30[1278]",
        UserError,
        "{url} redirects to somewhere else.",
        "Paste the address that it leads to.",
    ),
    (
        r"No space left|Disk quota",
        UserError,
        "The service's disk is full.",
        "Tell your facility; nothing is wrong with the repository.",
    ),
)


def explain(words: str, url: str) -> UserError:
    """Git's complaint as a sentence and a way out, with Git's own words beside it."""
    url = url or "the repository"
    for pattern, kind, message, advice in _CAUSES:
        if re.search(pattern, words):
            return kind(message.format(url=url), advice, detail=words.strip()[-600:])
    return UserError(
        f"{url} could not be read.",
        "Check the address, and that it works with `git clone`.",
        detail=words.strip()[-600:],
    )
