"""All that belongs to a commit, in one tar file: its files, its submodules', and what is in LFS."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import NotAllowed, Unavailable
from .git import GitCache
from .lfs import Lfs, Pointer
from .pointers import Pointed, Pointers
from .submodules import Submodule, Submodules

MAX_FILES = 2000


class WholeTrees:
    """Puts the parts together. A later entry of a tar file takes the place of an earlier one."""

    def __init__(self, git: GitCache, lfs: Lfs, lfs_bytes: int):
        self._git = git
        self._submodules = Submodules(git)
        self._pointers = Pointers(git)
        self._lfs = lfs
        self._lfs_bytes = lfs_bytes

    async def write(
        self, repo_url: str, commit: str, reader: str | None, target: Path
    ) -> list[str]:
        """Write the tar file of a commit in the cache; sentences about all that it lacks."""
        await self._git.archive(repo_url, commit, target, reader)
        modules, left_out = await self._submodules.fetch(repo_url, commit, reader)
        async with self._git.command.scratch() as scratch:
            more = scratch / "more.tar"
            for module in modules:
                await self._git.archive(module.url, module.commit, more, below=module.path)
                await _append(target, more)
            room = self._lfs_bytes
            for part in (Submodule("", repo_url, commit, reader=reader), *modules):
                files = await self._pointers.of(part)
                objects, why = await self._objects(part, files, room, scratch)
                room -= sum(one.size for one in objects)
                if objects:
                    await asyncio.to_thread(_pack, more, files, objects)
                    await _append(target, more)
                left_out += _lacking(files, objects, why)
        return left_out

    async def _objects(
        self,
        part: Submodule,
        files: Mapping[str, Pointed],
        room: int,
        scratch: Path,
    ) -> tuple[dict[Pointer, Path], str]:
        """What the pointers stand for, and a sentence on why some or all of it is not had."""
        wanted = list({file.to for file in files.values()})
        size = sum(one.size for one in wanted)
        if not wanted:
            return {}, ""
        if part.reader is not None or not part.url.startswith("http"):
            return {}, "Only those are that a server has for everybody."
        if size > room or len(wanted) > MAX_FILES:
            return {}, f"They have {size / 2**20:.0f} MiB, and there is room for {room >> 20} MiB."
        places = {one: scratch / one.oid for one in wanted}
        try:
            there = await self._lfs.download(part.url, places)
        except NotAllowed as error:
            return {}, error.message
        objects = {one: places[one] for one in there}
        return objects, "Its server does not have them for everybody."


def _lacking(files: Mapping[str, Pointed], objects: Mapping[Pointer, Path], why: str) -> list[str]:
    missing = [path for path, file in files.items() if file.to not in objects]
    if not missing:
        return []
    named = ", ".join(missing[:3]) + (" and more" if len(missing) > 3 else "")
    return [f"Files in Git LFS are not fetched: {named}. {why}"]


def _pack(target: Path, files: Mapping[str, Pointed], objects: Mapping[Pointer, Path]) -> None:
    with tarfile.open(target, "w") as archive:
        for path, file in files.items():
            if file.to in objects:
                member = tarfile.TarInfo(path)
                member.size, member.mode = file.to.size, file.mode
                with objects[file.to].open("rb") as content:
                    archive.addfile(member, content)


async def _append(archive: Path, more: Path) -> None:
    """Add all that is in one tar file to another."""
    process = await asyncio.create_subprocess_exec(
        *("tar", "--concatenate", f"--file={archive}", str(more)), stderr=asyncio.subprocess.PIPE
    )
    _, words = await process.communicate()
    if process.returncode != 0:
        raise Unavailable(f"The files could not be put together: {words.decode().strip()}")
