"""The artefact: a squashfs file made straight from the builder's mounted storage.

The image belongs to a stranger. What is done here to its tree never follows a symbolic link in it,
and what leaves here holds no setuid bit, no capability and no owner but root.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hpcbinderhub.builds.request import Artefact
from hpcbinderhub.errors import UserError
from hpcbinderhub.images.bills import cyclonedx
from hpcbinderhub.images.bills.model import Bill
from hpcbinderhub.images.store import OPEN_MODE, READERS
from hpcbinderhub.images.tree import open_folder

RECORD = "/srv/hpcbinder/image.json"
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


@dataclass(frozen=True)
class Generated:
    """A file that the build made or changed in the repository's folder."""

    path: str
    size: int
    link: str | None

    def as_dict(self) -> dict[str, object]:
        """The entry in the image's record."""
        return {"path": self.path, "size": self.size, "link": self.link}


def generated(root: Path, repo_dir: str, context: Path) -> list[Generated]:
    """What the build made below the repository's folder beside the commit's own files."""
    found: list[Generated] = []
    try:
        top = open_folder(root, repo_dir)
    except (FileNotFoundError, NotADirectoryError):
        return found
    try:
        for folder, folders, files, handle in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            folders[:] = sorted(set(folders) - {"__pycache__", ".git"})
            links = [name for name in folders if _is_link(name, handle)]
            for name in sorted([*files, *links]):
                path = os.path.normpath(os.path.join(folder, name))
                entry = _changed(path, name, handle, context)
                if entry is not None:
                    found.append(entry)
    finally:
        os.close(top)
    return found


def _is_link(name: str, folder: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _changed(path: str, name: str, folder: int, context: Path) -> Generated | None:
    """The entry for one file, or nothing if the commit has just the same or it is no file."""
    made = os.stat(name, dir_fd=folder, follow_symlinks=False)
    own = context / path
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        before = own.lstat()
        if stat.S_ISLNK(made.st_mode) and stat.S_ISLNK(before.st_mode):
            if os.readlink(name, dir_fd=folder) == os.readlink(own):
                return None
        elif (
            stat.S_ISREG(made.st_mode)
            and stat.S_ISREG(before.st_mode)
            and made.st_size == before.st_size
            and _same_content(name, folder, own)
        ):
            return None
    if stat.S_ISLNK(made.st_mode):
        return Generated(path, 0, os.readlink(name, dir_fd=folder))
    return Generated(path, made.st_size, None) if stat.S_ISREG(made.st_mode) else None


def _same_content(name: str, folder: int, own: Path) -> bool:
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    with open(handle, "rb") as made, open(own, "rb") as before:
        while True:
            block = made.read(1 << 20)
            if block != before.read(1 << 20):
                return False
            if not block:
                return True


def image_record(
    *,
    generation: str,
    environment: dict[str, str],
    repo_dir: str,
    start: str | None,
    made: Sequence[Generated],
) -> dict[str, object]:
    """What the start command reads about its image."""
    return {
        "format": 1,
        "tools_generation": generation,
        "env": environment,
        "repo_dir": repo_dir,
        "start": start,
        "generated": [entry.as_dict() for entry in made],
    }


def write_record(root: Path, record: dict[str, object]) -> None:
    """Write the image's record into its tree."""
    path = PurePosixPath(RECORD)
    folder = open_folder(root, str(path.parent))
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path.name, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(path.name, flags, 0o644, dir_fd=folder), "w", encoding="utf-8") as file:
            json.dump(record, file)
    finally:
        os.close(folder)


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
