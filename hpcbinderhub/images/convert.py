"""The artefact: a squashfs file, made of the builder's mounted storage or of a stream.

What leaves here holds no setuid bit, no capability and no owner but root. It has its final name,
the hash of its content, only when it is whole and on disk.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..builds.request import Artefact
from ..errors import UserError
from .bills import cyclonedx
from .bills.model import Bill
from .processors import free_processors
from .store import OPEN_MODE, READERS

# Nothing of these is needed at run time: kernel file systems, files of the build, caches.
EMPTIED = ("proc", "sys", "dev", "run", "tmp", "var/tmp", "var/cache/apt", "var/lib/apt/lists")
LEFT_OUT = ("root/.cache", "srv/home/.cache")
EXCLUDED = (
    *(f"{folder}/{pattern}" for folder in EMPTIED for pattern in ("*", ".[!.]*", "..?*")),
    *LEFT_OUT,
)

# Every engine's users must be able to read the image; none may become root by it.
MODES = "chmod(a+rX,ug-s)@true"

COMPRESSION = ("-comp", "zstd", "-Xcompression-level", "3")
OPTIONS = (*COMPRESSION, "-no-xattrs", "-all-root", "-noappend", "-no-progress", "-quiet")
PIPE_BYTES = 1 << 20


@dataclass(frozen=True)
class Place:
    """Where an artefact goes, and who may read it there."""

    folder: Path
    storage_id: str
    """Tells the unfinished files of one builder storage from those of others."""
    mode: int = OPEN_MODE


def partial_prefix(storage_id: str) -> str:
    """How the unfinished files of one builder storage are called in the artefact store."""
    return f".partial-{storage_id}-"


def remove_partial(artefact_dir: Path, storage_id: str) -> None:
    """Remove unfinished files of builds that were killed; the caller holds the storage's lock."""
    name = partial_prefix(storage_id) + "*"
    for path in (*artefact_dir.glob(name), *artefact_dir.glob(f"{READERS}/*/{name}")):
        path.unlink(missing_ok=True)


def from_tree(
    root: Path, place: Place, record: dict[str, object], bill: Bill | None = None
) -> Iterator[str | Artefact]:
    """Make the artefact of a mounted image: log lines, then the artefact.

    ``record`` goes beside it for people and for whoever cleans the store up, and so does the bill
    of its packages.
    """
    options = ("-action", MODES, "-wildcards", "-e", *EXCLUDED)

    def beside(artefact: Artefact) -> Mapping[str, object]:
        bills = {cyclonedx.ENDING: cyclonedx.document(bill, artefact.sha256)} if bill else {}
        return {"json": _described(artefact, record), **bills}

    yield from _made(place, beside, lambda partial: _mksquashfs(str(root), partial, options))


def from_stream(
    write: Callable[[IO[bytes]], None], place: Place, record: Callable[[], dict[str, object]]
) -> Iterator[str | Artefact]:
    """Make the artefact of a tar stream, which `write` writes in a thread of its own.

    What `write` raises ends the conversion, and is raised here. The record is asked for afterwards.
    """

    def beside(artefact: Artefact) -> Mapping[str, object]:
        return {"json": _described(artefact, record())}

    yield from _made(place, beside, lambda partial: _mksquashfs_of(write, partial))


def _made(
    place: Place,
    beside: Callable[[Artefact], Mapping[str, object]],
    convert: Callable[[Path], Iterator[str]],
) -> Iterator[str | Artefact]:
    name = f"{partial_prefix(place.storage_id)}{os.getpid()}-{threading.get_ident()}"
    partial = place.folder / f"{name}.squashfs"
    try:
        yield from convert(partial)
        sha256 = _hashed_and_synced(partial, place.mode)
        artefact = Artefact(
            path=place.folder / f"{sha256}.squashfs", sha256=sha256, size=partial.stat().st_size
        )
        for ending, document in beside(artefact).items():
            unfinished = partial.with_suffix(f".{ending}")
            _write_beside(artefact.path.with_suffix(f".{ending}"), document, unfinished, place.mode)
        partial.rename(artefact.path)
        _sync_folder(place.folder)
        yield artefact
    except OSError as error:
        raise UserError(
            "The artefact could not be written to the artefact store.",
            "Look for the free space of the artefact store.",
            detail=str(error),
        ) from error
    finally:
        for path in place.folder.glob(f"{name}.*"):
            path.unlink()


def _described(artefact: Artefact, record: dict[str, object]) -> dict[str, object]:
    return {"format": 1, **artefact.model_dump(mode="json"), **record}


def _hashed_and_synced(partial: Path, mode: int) -> str:
    """The hash of a file that goes to the disk meanwhile. It cannot be made while the file is
    written: mksquashfs goes back to its very beginning last."""
    with open(partial, "rb+") as file, ThreadPoolExecutor(1) as disk:
        os.fchmod(file.fileno(), mode)
        synced = disk.submit(os.fsync, file.fileno())
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        synced.result()
    return sha256


def _mksquashfs(source: str, target: Path, options: Sequence[str]) -> Iterator[str]:
    with _started(source, target, options, subprocess.DEVNULL) as process:
        yield from _lines(process)
    _check(process)


def _mksquashfs_of(write: Callable[[IO[bytes]], None], target: Path) -> Iterator[str]:
    # Without an entry of its own in the stream, the root would be everybody's to write to.
    options = ("-tar", "-root-mode", "755")
    problems: list[BaseException] = []
    with _started("-", target, options, subprocess.PIPE) as process:
        assert process.stdin is not None
        fcntl.fcntl(process.stdin.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)

        def feed(stream: IO[bytes]) -> None:
            try:
                write(stream)
            except BrokenPipeError:
                pass  # mksquashfs has ended, and says why.
            except BaseException as problem:  # Raised below, in the thread that asked.
                problems.append(problem)
                process.kill()
            finally:
                with suppress(BrokenPipeError):
                    stream.close()

        feeding = threading.Thread(target=feed, args=(process.stdin,))
        feeding.start()
        try:
            yield from _lines(process)
        finally:
            process.kill()
            feeding.join()
    if problems:
        raise problems[0]
    _check(process)


def _started(
    source: str, target: Path, options: Sequence[str], stdin: int
) -> subprocess.Popen[bytes]:
    processors = ("-processors", str(free_processors()))
    return subprocess.Popen(
        ["mksquashfs", source, str(target), *OPTIONS, *processors, *options],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line.decode("utf-8", "replace").rstrip("\n")
    process.wait()


def _check(process: subprocess.Popen[bytes]) -> None:
    if process.returncode != 0:
        raise UserError(
            f"mksquashfs ended with {process.returncode}: the image could not be converted.",
            "Look for the free space of the artefact store.",
        )


def _write_beside(target: Path, document: object, partial: Path, mode: int) -> None:
    """Write what is known about an artefact next to it, before the artefact itself appears."""
    with open(partial, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        json.dump(document, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    partial.rename(target)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
