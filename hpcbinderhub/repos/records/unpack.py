"""What is in a zip or tar file, taken out so that nothing in it can do harm.

Members are stored under numbers, so no name of theirs ever reaches the file system, and a link is
stored as text: names and links matter only in the tree that is made of them.
"""

from __future__ import annotations

import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from lzma import LZMAError
from pathlib import Path
from typing import IO

from ...errors import UserError
from .tree import FILE, LINK, PROGRAM, Entry, tree_path, without_common_folder

MAX_MEMBERS = 200_000
_CHUNK = 2**20
_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_BAD = (zipfile.BadZipFile, tarfile.TarError, zlib.error, LZMAError, EOFError, RuntimeError)
_Member = tuple[str, str, IO[bytes]]


def is_archive(name: str) -> bool:
    """Whether a file is there to be unpacked. Many other formats are zip files inside."""
    return name.lower().endswith(_SUFFIXES)


def unpack(archive: Path, folder: Path, limit: int) -> list[Entry]:
    """The files in an archive, which may have `limit` bytes together. Blocks: for a thread."""
    try:
        return without_common_folder(list(_entries(archive, folder, limit).values()))
    except _BAD as error:
        raise damaged(error) from error
    except OSError as error:
        if error.errno:
            raise
        # Decompressors complain so of what they read.
        raise damaged(error) from error


def too_large(limit: int) -> UserError:
    """The record is more than the site takes."""
    return UserError(
        f"This record is larger than the {limit // 2**20} MiB that this site takes.",
        "Launch a repository that fetches its data when it runs, or ask your help desk.",
        status=413,
    )


def _entries(archive: Path, folder: Path, limit: int) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    left = limit
    members = _of_zip if zipfile.is_zipfile(archive) else _of_tar
    for number, (name, mode, content) in enumerate(members(archive)):
        path = tree_path(name)
        if path is None:
            continue
        source = folder / str(number)
        left = _copy(content, source, left)
        if left < 0 or number >= MAX_MEMBERS:
            raise too_large(limit)
        if mode == LINK:
            _check_link(path, source)
        entries[path] = Entry(path, mode, source)
    return entries


def _of_zip(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            mode = member.external_attr >> 16
            if member.is_dir():
                continue
            with opened.open(member) as content:
                yield member.filename, LINK if stat.S_ISLNK(mode) else _kind(mode), content


def _of_tar(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.issym():
                yield member.name, LINK, BytesIO(member.linkname.encode(errors="replace"))
            elif member.isreg() or member.islnk():
                content = opened.extractfile(member)
                if content:
                    yield member.name, _kind(member.mode), content
            elif not member.isdir():
                raise tarfile.TarError(f"{member.name} is neither a file nor a folder")


def _kind(mode: int) -> str:
    return PROGRAM if mode & stat.S_IXUSR else FILE


def _copy(content: IO[bytes], target: Path, left: int) -> int:
    """Copy, and say how much room is left: less than none as soon as there is too much."""
    with target.open("wb") as file:
        while left >= 0 and (chunk := content.read(_CHUNK)):
            left -= len(chunk)
            file.write(chunk)
    return left


def _check_link(path: str, source: Path) -> None:
    target = source.read_bytes()[:4096].decode(errors="replace")
    leads_to = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if target.startswith("/") or leads_to.split("/")[0] == "..":
        raise UserError(
            f"This record holds a link that leads out of it: {path}.",
            "Tell whoever keeps the record; as it is, it cannot be launched.",
        )


def damaged(error: Exception) -> UserError:
    """The archive's file is not what it should be."""
    return UserError(
        "What the archive sent cannot be unpacked.",
        "Tell whoever keeps the record: it is damaged, encrypted or not what its name says.",
        detail=str(error),
    )
