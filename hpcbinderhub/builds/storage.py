"""Where a builder may keep its images: a disk of the build host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from hpcbinderhub.builds.request import Storage
from hpcbinderhub.errors import UserError

NETWORK_FILE_SYSTEMS = frozenset(
    {
        *("nfs", "nfs4", "lustre", "gpfs", "beegfs", "beegfs_nodev", "cifs", "smb3", "smbfs"),
        *("ceph", "afs", "9p", "panfs", "pvfs2", "orangefs", "wekafs", "gfs2", "ocfs2", "coda"),
    }
)
"""Types as the kernel names them. Whatever is mounted through FUSE is refused as well."""

WHY_NOT = (
    "There the owners of an image's files cannot be kept apart, its layers cannot be laid over "
    "each other, and every file of a build would be a request to a server that others wait for."
)


def check_storage(storage: Storage, mounts: str | None = None) -> None:
    """Make a storage's folders; refuse one where layers do not work, and root."""
    if os.getuid() == 0 and "_CONTAINERS_ROOTLESS_UID" not in os.environ:
        raise UserError(
            "The builder was started as root.", "Run it as the unprivileged builder account."
        )
    table = mounts if mounts is not None else Path("/proc/self/mountinfo").read_text("utf-8")
    for path in (storage.graphroot, storage.runroot, storage.tmp):
        # A link may lead to another file system than the one it is on.
        kind = file_system(path.resolve(), table)
        if is_remote(kind):
            raise UserError(
                f"The builder's storage {path} is on a network file system ({kind}).",
                f"Set it to a disk of the build host. {WHY_NOT}",
            )
        path.mkdir(parents=True, exist_ok=True, mode=0o700)


def remove_temporary(folder: Path, keep: Collection[str]) -> None:
    """Empty a storage's folder of temporary files, but for some."""
    for path in folder.iterdir():
        if path.name in keep:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def is_remote(kind: str) -> bool:
    """Whether a type of file system is not a disk of this host."""
    return kind in NETWORK_FILE_SYSTEMS or kind == "fuse" or kind.startswith("fuse.")


def file_system(path: Path, mountinfo: str) -> str:
    """Type of the file system that holds a path, from the text of ``/proc/self/mountinfo``."""
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        mounted = Path(left.split()[4].replace("\\040", " "))
        if path.is_relative_to(mounted) and len(mounted.parts) >= best:
            best, kind = len(mounted.parts), right.split()[0]
    return kind
