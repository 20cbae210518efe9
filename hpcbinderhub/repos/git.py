"""Git, run for the service: resolve a ref, fetch a commit, hand its content out.

Every call is an argument list in an environment made from scratch: no system or user configuration,
no prompt, no hook, no transport but HTTP(S).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import NotFound, UserError
from .guard import Guard
from .spec import RepoSpec

_FULL_SHA = re.compile(r"^[0-9a-f]{40}$")
_GITLINK = re.compile(r"^160000 ")
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "protocol.allow=never",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    # The guard has followed them, and looked at each.
    "http.followRedirects=false",
    "gc.auto=0",
)


class GitCache:
    """Bare repositories below one directory, one for every address."""

    def __init__(self, directory: Path, timeout: float, guard: Guard):
        self._directory = directory
        self._timeout = timeout
        self._guard = guard
        self._locks: dict[str, asyncio.Lock] = {}

    async def resolve(self, spec: RepoSpec) -> str:
        """The full commit that the ref stands for now."""
        if _FULL_SHA.match(spec.ref):
            return spec.ref
        names = ["HEAD", *_ref_names(spec.ref)]
        way = await self._guard.way_to(spec.repo_url)
        listing = await self._git(
            "ls-remote", "--quiet", "--", way.url, *names, spec=spec, pin=way.pin
        )
        found: dict[str, str] = {}
        for line in listing.splitlines():
            commit, _, name = line.partition("\t")
            found[name] = commit
        wanted = ["HEAD"] if spec.ref == "HEAD" else _ref_names(spec.ref)
        if spec.ref in ("main", "master"):
            wanted.append("HEAD")
        for name in wanted:
            if name in found:
                return found[name]
        raise NotFound(
            f"{spec.repo_url} has no branch, tag or commit “{spec.ref}”.",
            "Check the spelling, or leave the ref empty for the default branch.",
        )

    async def fetch(self, spec: RepoSpec, commit: str) -> None:
        """Have the commit, with its history, in the cache."""
        path = self._path(spec.repo_url)
        async with self._locks.setdefault(spec.repo_url, asyncio.Lock()):
            if not (path / "HEAD").exists():
                await self._git("init", "--quiet", "--bare", "--", str(path), spec=spec)
            if await self._has(path, commit):
                return
            await self._fetch_refs(path, spec, commit)
            if not await self._has(path, commit):
                raise NotFound(
                    f"{spec.repo_url} has no commit {commit[:12]}.",
                    "It may have been removed by a forced push; launch the branch instead.",
                )
            await self._git("update-ref", f"refs/hpcbinder/{commit}", commit, cwd=path, spec=spec)

    async def tree(self, repo_url: str, commit: str) -> str:
        """The id of the commit's tree."""
        path = self._path(repo_url)
        return (await self._git("rev-parse", "--verify", f"{commit}^{{tree}}", cwd=path)).strip()

    async def left_out(self, repo_url: str, commit: str) -> list[str]:
        """Sentences about what a full clone would bring and ours does not, so that nobody wonders
        why a folder is empty."""
        path = self._path(repo_url)
        sentences = []
        entries = await self._git("ls-tree", "-r", "-z", commit, cwd=path)
        folders = [
            entry.split("\t", 1)[1] for entry in entries.split("\0") if _GITLINK.match(entry)
        ]
        if folders:
            named = ", ".join(folders[:3]) + (" and more" if len(folders) > 3 else "")
            sentences.append(f"Submodules are not fetched: {named} will be empty.")
        pattern = ("-e", "filter=lfs", commit, "--", ":(glob)**/.gitattributes")
        try:
            await self._git("grep", "--quiet", *pattern, cwd=path)
        except UserError:
            return sentences
        return [*sentences, "Files in Git LFS are not fetched: you get the pointers to them."]

    async def archive(self, repo_url: str, commit: str, target: Path) -> None:
        """The files of the commit, as a tar file."""
        path = self._path(repo_url)
        await self._git("archive", "--format=tar", f"--output={target}", commit, cwd=path)

    async def show(self, repo_url: str, commit: str, path: str, limit: int) -> str:
        """The text of one file of the commit, if it has no more than so many bytes."""
        where, name = self._path(repo_url), f"{commit}:{path}"
        try:
            size = int(await self._git("cat-file", "-s", name, cwd=where))
            if size <= limit:
                return await self._git("cat-file", "blob", name, cwd=where)
        except UserError as error:
            raise NotFound(
                f"{repo_url} has no file “{path}” at {commit[:12]}.",
                "Check the spelling, upper and lower case included.",
            ) from error
        raise UserError(
            f"“{path}” is too large to be shown here: {size} bytes.",
            "It can be opened once the server runs.",
        )

    async def bundle(self, repo_url: str, ref: str, commit: str, target: Path) -> None:
        """The commit with its history, as a bundle with one branch.

        The branch is made in a scratch repository that borrows the cache's objects: in the cache,
        two refs of two users' launches could never clash, but would pile up.
        """
        branch = "hpcbinder" if ref == "HEAD" or _FULL_SHA.match(ref) else ref
        scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self._directory))
        try:
            await self._git("init", "--quiet", "--bare", "--", str(scratch))
            objects = self._path(repo_url) / "objects"
            (scratch / "objects/info/alternates").write_text(f"{objects}\n")
            name = f"refs/heads/{branch}"
            await self._git("update-ref", name, commit, cwd=scratch)
            temporary = scratch / "content.bundle"
            await self._git("bundle", "create", "--quiet", str(temporary), name, cwd=scratch)
            os.replace(temporary, target)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    def _path(self, repo_url: str) -> Path:
        return self._directory / f"{hashlib.sha256(repo_url.encode()).hexdigest()[:32]}.git"

    async def _has(self, path: Path, commit: str) -> bool:
        try:
            await self._git("cat-file", "-e", f"{commit}^{{commit}}", cwd=path)
        except UserError:
            return False
        return True

    async def _fetch_refs(self, path: Path, spec: RepoSpec, commit: str) -> None:
        """The commit alone if the server gives it by name, else all branches and tags."""
        way = await self._guard.way_to(spec.repo_url)
        fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", way.url)
        one = f"+{commit}:refs/hpcbinder/{commit}"
        try:
            await self._git(*fetch, one, cwd=path, spec=spec, pin=way.pin)
        except UserError:
            everything = ("+refs/heads/*:refs/remote/heads/*", "+refs/tags/*:refs/remote/tags/*")
            await self._git(*fetch, *everything, cwd=path, spec=spec, pin=way.pin)

    async def _git(
        self,
        *arguments: str,
        cwd: Path | None = None,
        spec: RepoSpec | None = None,
        pin: str = "",
    ) -> str:
        pinned = (f"http.curloptResolve={pin}",) if pin else ()
        settings = [part for setting in (*_SETTINGS, *pinned) for part in ("-c", setting)]
        process = await asyncio.create_subprocess_exec(
            "git",
            *settings,
            *arguments,
            cwd=cwd or self._directory,
            env=_environment(self._directory),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(self._timeout):
                out, err = await process.communicate()
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise UserError(
                f"{spec.repo_url if spec else 'Git'} did not answer in {self._timeout:.0f} s.",
                "Try again later, or check that the address is reachable from here.",
                status=504,
            ) from error
        if process.returncode != 0:
            raise explain(err.decode(errors="replace"), spec)
        return out.decode(errors="replace")


def _ref_names(ref: str) -> list[str]:
    """Where a ref may be found, best first; a tag object's own commit before the object."""
    return [f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}"]


def _environment(home: Path) -> dict[str, str]:
    """Nothing but what Git needs, and the site's own certificates and proxies."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")
        or name.lower() in ("http_proxy", "https_proxy", "no_proxy")
    }
    return passed | {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "LC_ALL": "C.UTF-8",
    }


_CAUSES: Sequence[tuple[str, str, str]] = (
    (
        r"could not read Username|Authentication failed|terminal prompts disabled|error: 40[13]",
        "{url} is private, or does not exist.",
        "Private repositories cannot be launched yet: check the address, or make a public copy.",
    ),
    (
        r"not found|does not appear to be a git repository|not valid: is this a git repository",
        "{url} is not a Git repository.",
        "Check the address: it must work with `git clone`.",
    ),
    (
        r"Could not resolve host|Failed to connect|Couldn't connect|Connection refused|timed out",
        "{url} cannot be reached from here.",
        "Check the address; if it is right, the site's network may not allow it.",
    ),
    (
        r"[Rr]edirect|error: 30[1278]",
        "{url} redirects to somewhere else.",
        "Paste the address that it leads to.",
    ),
    (
        r"No space left|Disk quota",
        "The service's disk is full.",
        "Tell your facility; nothing is wrong with the repository.",
    ),
)


def explain(words: str, spec: RepoSpec | None) -> UserError:
    """Git's complaint as a sentence and a way out, with Git's own words beside it."""
    url = spec.repo_url if spec else "the repository"
    for pattern, message, advice in _CAUSES:
        if re.search(pattern, words):
            return UserError(message.format(url=url), advice, detail=words.strip()[-600:])
    return UserError(
        f"{url} could not be read.",
        "Check the address, and that the repository is public.",
        detail=words.strip()[-600:],
    )
