"""The files of a record, fetched and compared with what the archive says of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

from ...errors import UserError
from ..web import Web
from .record import RecordFile
from .tree import FILE, Entry, tree_path
from .unpack import is_archive, too_large, unpack

_ALGORITHMS = ("md5", "sha1", "sha256", "sha512")


async def download(web: Web, files: Sequence[RecordFile], folder: Path, limit: int) -> list[Entry]:
    """Every file; what is in it instead, if it is the only one and an archive. `limit` is in
    bytes, for what comes and for what comes out of it."""
    if sum(file.size or 0 for file in files) > limit:
        raise too_large(limit)
    entries: list[Entry] = []
    left = limit
    for number, file in enumerate(files):
        path = tree_path(file.path)
        if path is None:
            continue
        if left <= 0:
            raise too_large(limit)
        source = folder / str(number)
        await web.download(file.url, source, left)
        left -= source.stat().st_size
        await asyncio.to_thread(_verify, file, source)
        entries.append(Entry(path, FILE, source))
    if len(entries) == 1 and is_archive(entries[0].path):
        inside = folder / "inside"
        await asyncio.to_thread(inside.mkdir)
        return await asyncio.to_thread(unpack, entries[0].source, inside, limit)
    return entries


def _verify(file: RecordFile, source: Path) -> None:
    algorithm, _, expected = file.checksum.partition(":")
    if algorithm in _ALGORITHMS:
        with source.open("rb") as content:
            found = hashlib.file_digest(
                content, lambda: hashlib.new(algorithm, usedforsecurity=False)
            ).hexdigest()
        wrong = found != expected
    else:
        wrong = file.size is not None and file.size != source.stat().st_size
    if wrong:
        raise UserError(
            f"{file.path} did not arrive as its archive says that it is.",
            "Try again; if it goes on, tell whoever keeps the record.",
            status=502,
        )
