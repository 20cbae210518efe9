"""The artefact store: where an artefact is, and who can read it there.

At the top lies what everybody may run. What only one user may run lies in a folder of hers, below
`readers/UID`: an access list opens its files to her, on the compute nodes as everywhere. Others can
at most pass through and see whether a file is there whose name they know, as the service does.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from ..errors import UserError

READERS = "readers"
OPEN_MODE = 0o644
CLOSED_MODE = 0o640
"""Of files in a reader's folder. What stands for the group here is the limit of the access list."""

# See acl(5) and the kernel's posix_acl_xattr.h: a version, then entries of tag, rights and number.
_VERSION = 2
_OWNER, _USER, _GROUP, _MASK, _OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_NUMBER = 0xFFFFFFFF


def artefact_folder(store: str | Path, reader: int | None) -> Path:
    """Where artefacts are that everybody may run, or one user alone."""
    return Path(store) if reader is None else Path(store, READERS, str(reader))


def artefact_file(store: str | Path, digest: str, reader: int | None = None) -> str:
    """Where an artefact is in the store."""
    return str(artefact_folder(store, reader) / f"{digest}.squashfs")


def make_folder(store: str | Path, reader: int | None) -> Path:
    """The folder, with its access list; for builders, who own the store."""
    folder = artefact_folder(store, reader)
    if reader is None:
        return folder
    try:
        folder.parent.mkdir(exist_ok=True)
        folder.parent.chmod(0o711)
        folder.mkdir(mode=0o700, exist_ok=True)
        os.setxattr(folder, "system.posix_acl_default", _access_list(reader, others=0))
        os.setxattr(folder, "system.posix_acl_access", _access_list(reader, others=1))
    except OSError as error:
        raise UserError(
            "The artefact store cannot keep the environment of a private repository for its "
            "reader alone.",
            "Tell your help desk: the store must be its builders', and have POSIX access lists.",
            detail=str(error),
        ) from error
    return folder


def _access_list(reader: int, *, others: int) -> bytes:
    entries = (
        (_OWNER, 7, _NO_NUMBER),
        (_USER, 5, reader),
        (_GROUP, 0, _NO_NUMBER),
        (_MASK, 5, _NO_NUMBER),
        (_OTHERS, others, _NO_NUMBER),
    )
    return struct.pack("<I", _VERSION) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
