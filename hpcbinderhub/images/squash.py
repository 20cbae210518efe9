"""The artefact: a squashfs file made straight from the builder's mounted storage.

The image belongs to a stranger. What is done here to its tree never follows a symbolic link in it,
and what leaves here holds no setuid bit, no capability and no owner but root.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from hpcbinderhub.builds.request import Artefact
from hpcbinderhub.errors import UserError
from hpcbinderhub.images.bills import cyclonedx
from hpcbinderhub.images.bills.model import Bill
from hpcbinderhub.images.store import OPEN_MODE, READERS
from hpcbinderhub.images.tree import open_folder

PROGRAMS = "/srv/hpcbinder/bin"

# Nothing of these is needed at run time: kernel file systems, files of the build, caches.
EMPTIED = ("proc", "sys", "dev", "run", "tmp", "var/tmp", "var/cache/apt", "var/lib/apt/lists")
EXCLUDED = (
    *(f"{folder}/{pattern}" for folder in EMPTIED for pattern in ("*", ".[!.]*", "..?*")),
    "root/.cache",
    "srv/home/.cache",
)

NEEDED_FOLDERS = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp", "/srv/repo", "/srv/home")
"""Folders that every engine, or the start command, expects."""

# Every engine's users must be able to read the image; none may become root by it.
MODES = "chmod(a+rX,ug-s)@true"


def add_folders(root: Path, folders: Sequence[str]) -> None:
    """Make folders for an engine to mount on, since the image is read-only when it does."""
    for path in folders:
        # The image has a link or a file there already, which is its own affair.
        with contextlib.suppress(NotADirectoryError):
            os.close(open_folder(root, path, create=True))


def check_programs(root: Path) -> None:
    """Refuse an image that could not be launched."""
    folder = open_folder(root, PROGRAMS)
    try:
        missing = {"hpcbinder", "jupyterhub-singleuser", "python3"} - set(os.listdir(folder))
    finally:
        os.close(folder)
    if missing:
        raise UserError(f"The image lacks {', '.join(sorted(missing))} in {PROGRAMS}.")


def partial_prefix(storage_id: str) -> str:
    """How the unfinished files of one builder storage are called in the artefact store."""
    return f".partial-{storage_id}-"


def remove_partial(artefact_dir: Path, storage_id: str) -> None:
    """Remove unfinished files of builds that were killed; the caller holds the storage's lock."""
    name = partial_prefix(storage_id) + "*"
    for path in (*artefact_dir.glob(name), *artefact_dir.glob(f"{READERS}/*/{name}")):
        path.unlink(missing_ok=True)


def make_squashfs(
    root: Path,
    artefact_dir: Path,
    *,
    storage_id: str,
    record: dict[str, object],
    processors: int,
    mode: int = OPEN_MODE,
    bill: Bill | None = None,
) -> Iterator[str | Artefact]:
    """Make the artefact of a mounted image: log lines, then the artefact.

    It gets its final name, the hash of its content, only when it is whole and on disk. ``record``
    and the bill of its packages go beside it before.
    """
    partial = artefact_dir / f"{partial_prefix(storage_id)}{os.getpid()}.squashfs"
    try:
        yield from _mksquashfs(root, partial, processors)
        with open(partial, "rb+") as file:
            os.fchmod(file.fileno(), mode)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        artefact = Artefact(
            path=artefact_dir / f"{sha256}.squashfs", sha256=sha256, size=partial.stat().st_size
        )
        known = {"format": 1, **artefact.model_dump(mode="json"), **record}
        documents = {"json": known}
        if bill is not None:
            documents[cyclonedx.ENDING] = cyclonedx.document(bill, artefact.sha256)
        for ending, document in documents.items():
            beside = partial.with_suffix(f".{ending}")
            _write_beside(artefact.path.with_suffix(f".{ending}"), document, beside, mode)
        partial.rename(artefact.path)
        _sync_folder(artefact_dir)
        yield artefact
    finally:
        partial.unlink(missing_ok=True)
        for ending in ("json", cyclonedx.ENDING):
            partial.with_suffix(f".{ending}").unlink(missing_ok=True)


def _mksquashfs(root: Path, target: Path, processors: int) -> Iterator[str]:
    command = ["mksquashfs", str(root), str(target), "-comp", "zstd", "-Xcompression-level", "3"]
    command += ["-no-xattrs", "-all-root", "-noappend", "-no-progress", "-quiet"]
    command += ["-processors", str(processors), "-action", MODES, "-wildcards", "-e", *EXCLUDED]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    with process, process.stdout:
        for line in process.stdout:
            yield line.rstrip("\n")
    if process.returncode != 0:
        raise UserError(
            f"mksquashfs ended with {process.returncode}: the image could not be converted.",
            "Look for the free space of the artefact store.",
        )


def _write_beside(target: Path, document: dict[str, object], partial: Path, mode: int) -> None:
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
