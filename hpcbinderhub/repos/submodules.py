"""Submodules of a commit: other repositories that are a part of it, at commits of their own.

Each comes by the way of any repository, from a host that the site takes repositories from. What the
site does not allow, or not everybody may read, is left out, and a sentence says so: whoever wrote a
repository could name one that only its launcher may read, and look into it while it is built. A
server that does not answer is an error, since it would be another environment without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import NotAllowed, NotFound, UserError
from .git import GitCache
from .listing import SUBMODULE, Entry
from .pasted import without_ssh
from .spec import RepoSpec, checked_url

MAX_DEPTH = 3
MAX_NUMBER = 20
MAX_BYTES = 2**30
_CONFIGURATION = ".gitmodules"
_SETTINGS = r"^submodule\..*\.(path|url)$"


class LeftOut(UserError):
    """A submodule that is not fetched, and why."""


@dataclass(frozen=True)
class Submodule:
    """A part of a commit that is another repository's."""

    path: str
    url: str
    commit: str


class Submodules:
    """Fetches what a commit names of other repositories, and what those name."""

    def __init__(self, git: GitCache):
        self._git = git

    async def fetch(
        self, repo_url: str, commit: str, reader: str | None
    ) -> tuple[list[Submodule], list[str]]:
        """Those that are in the cache now, and a sentence about each that is not."""
        found: list[Submodule] = []
        sentences: list[str] = []
        waiting = [(Submodule("", repo_url, commit), 0)]
        while waiting:
            parent, depth = waiting.pop(0)
            for path, url, wanted in await self._named(parent, reader if depth == 0 else None):
                whole = f"{parent.path}/{path}".lstrip("/")
                try:
                    if depth == MAX_DEPTH or len(found) == MAX_NUMBER:
                        raise LeftOut("There are too many of them.")
                    one = Submodule(whole, address(url, parent.url), wanted)
                    await self._one(one)
                except (LeftOut, NotAllowed, NotFound) as error:
                    sentences.append(f"The submodule {whole} is not fetched. {error.message}")
                else:
                    found.append(one)
                    waiting.append((one, depth + 1))
        return found, sentences

    async def _one(self, one: Submodule) -> None:
        await self._git.fetch(RepoSpec("git", one.url, one.commit), one.commit)
        async with self._git.opened(one.url) as repository:
            if await repository.size() > MAX_BYTES:
                raise LeftOut(f"{one.url} has more than {MAX_BYTES >> 20} MiB.")

    async def _named(self, parent: Submodule, reader: str | None) -> list[tuple[str, str, str]]:
        """Path, address and commit of each, as the parent's commit says."""
        listing = await self._git.listing(parent.url, parent.commit, reader)
        entries = {path: entry.id for path, entry in listing.items() if entry.mode == SUBMODULE}
        addresses = await self._addresses(parent, listing, reader) if entries else {}
        return [(path, addresses.get(path, ""), commit) for path, commit in entries.items()]

    async def _addresses(
        self, parent: Submodule, listing: Mapping[str, Entry], reader: str | None
    ) -> dict[str, str]:
        """The address of each submodule by its path, as the commit says; Git reads the file."""
        entry = listing.get(_CONFIGURATION)
        if entry is None:
            return {}
        contents = await self._git.contents(parent.url, [entry.id], 1 << 20, reader)
        try:
            told = await self._git.command(
                *("config", "--no-includes", "--file=-", "-z", "--get-regexp", _SETTINGS),
                stdin=contents[entry.id] or b"",
            )
        except UserError:
            return {}
        return by_path(told)


def by_path(told: str) -> dict[str, str]:
    """Addresses by paths, from `git config -z --get-regexp`."""
    modules: dict[str, dict[str, str]] = {}
    for setting in told.split("\0"):
        key, _, value = setting.partition("\n")
        name, _, what = key.rpartition(".")
        modules.setdefault(name, {})[what] = value
    return {one["path"]: one["url"] for one in modules.values() if {"path", "url"} <= one.keys()}


def address(url: str, parent: str) -> str:
    """Where a submodule is: relative to its parent, as Git has it, or an address by itself."""
    base, rest = parent.rstrip("/"), url
    while rest.startswith(("./", "../")):
        step, _, rest = rest.partition("/")
        if step == "..":
            base = base.rpartition("/")[0]
    try:
        return checked_url(without_ssh(url) if rest == url else f"{base}/{rest}")
    except UserError as error:
        raise LeftOut(f"“{url}” is no address that it could be fetched from.") from error
