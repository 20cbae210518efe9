"""Submodules of a commit: other repositories that are a part of it, at commits of their own.

Each comes by the way of any repository, from a host that the site takes repositories from. What the
site does not allow, or not everybody may read, is left out, and a sentence says so: whoever wrote a
repository could name one that only its launcher may read, and look into it while it is built. A
server that does not answer is an error, since it would be another environment without it.

A workspace is not an environment: it gets what there is. And where the repository itself is private
to a reader, what she may read beside it on the same host, she gets with her own credential: whoever
can write into the one is somebody whom its forge trusts with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..credentials.hosts import host_of
from ..errors import NotAllowed, NotFound, UserError
from .command import Closed
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
    """A part of a commit that is another repository's; or, without a path, the commit itself."""

    path: str
    url: str
    commit: str
    name: str = ""
    """What the repository that it is in calls it."""
    within: str = ""
    """The path of that repository."""
    reader: str | None = None
    """Who alone may read it; None for everybody."""


@dataclass(frozen=True)
class Manner:
    """How submodules are fetched."""

    credential_of: str | None = None
    """The reader whose credential also opens what is on the repository's own host."""
    make_do: bool = False
    """Whether one is left out whose server does not answer."""


STRICT = Manner()


class Submodules:
    """Fetches what a commit names of other repositories, and what those name."""

    def __init__(self, git: GitCache):
        self._git = git

    async def fetch(
        self, repo_url: str, commit: str, reader: str | None, manner: Manner = STRICT
    ) -> tuple[list[Submodule], list[str]]:
        """Those that are in the cache now, and a sentence about each that is not."""
        forgiven = (UserError,) if manner.make_do else (LeftOut, NotAllowed, NotFound)
        found: list[Submodule] = []
        sentences: list[str] = []
        waiting = [(Submodule("", repo_url, commit, reader=reader), 0)]
        while waiting:
            parent, depth = waiting.pop(0)
            for one in await self._named(parent):
                try:
                    if depth == MAX_DEPTH or len(found) == MAX_NUMBER:
                        raise LeftOut("There are too many of them.")
                    one = replace(one, url=address(one.url, parent.url))
                    same_host = host_of(one.url) == host_of(repo_url)
                    one = await self._one(one, manner.credential_of if same_host else None)
                except forgiven as error:
                    sentences.append(f"The submodule {one.path} is not fetched. {error.message}")
                else:
                    found.append(one)
                    waiting.append((one, depth + 1))
        return found, sentences

    async def _one(self, one: Submodule, user: str | None) -> Submodule:
        spec = RepoSpec("git", one.url, one.commit)
        if user is not None:
            one = replace(one, reader=await self._reader(spec, user))
        await self._git.fetch(spec, one.commit, one.reader)
        async with self._git.opened(one.url, one.reader) as repository:
            if await repository.size() > MAX_BYTES:
                raise LeftOut(f"{one.url} has more than {MAX_BYTES >> 20} MiB.")
        return one

    async def _reader(self, spec: RepoSpec, user: str) -> str | None:
        """The user, if not everybody may read it; that she may is asked each time."""
        try:
            await self._git.resolve(spec)
        except Closed:
            await self._git.resolve(spec, user)
            return user
        return None

    async def _named(self, parent: Submodule) -> list[Submodule]:
        """Each, as the parent's commit says, with its address as it stands there."""
        listing = await self._git.listing(parent.url, parent.commit, parent.reader)
        entries = {path: entry.id for path, entry in listing.items() if entry.mode == SUBMODULE}
        known = await self._known(parent, listing) if entries else {}
        found = []
        for path, commit in entries.items():
            name, url = known.get(path, ("", ""))
            whole = f"{parent.path}/{path}".lstrip("/")
            found.append(Submodule(whole, url, commit, name, parent.path))
        return found

    async def _known(
        self, parent: Submodule, listing: Mapping[str, Entry]
    ) -> dict[str, tuple[str, str]]:
        """Name and address of each submodule by its path, as the commit says; Git reads the
        file."""
        entry = listing.get(_CONFIGURATION)
        if entry is None:
            return {}
        contents = await self._git.contents(parent.url, [entry.id], 1 << 20, parent.reader)
        try:
            told = await self._git.command(
                *("config", "--no-includes", "--file=-", "-z", "--get-regexp", _SETTINGS),
                stdin=contents[entry.id] or b"",
            )
        except UserError:
            return {}
        return by_path(told)


def by_path(told: str) -> dict[str, tuple[str, str]]:
    """Names and addresses by paths, from `git config -z --get-regexp`."""
    modules: dict[str, dict[str, str]] = {}
    for setting in told.split("\0"):
        key, _, value = setting.partition("\n")
        name, _, what = key.rpartition(".")
        modules.setdefault(name.removeprefix("submodule."), {})[what] = value
    return {
        one["path"]: (name, one["url"])
        for name, one in modules.items()
        if {"path", "url"} <= one.keys()
    }


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
