"""The artefact store: where an artefact is, and who can read it there.

At the top lies what everybody may run. What only one user may run lies in a folder of hers, below
`readers/UID`: an access list opens its files to her, on the compute nodes as everywhere. Others can
at most pass through and see whether a file is there whose name they know, as the service does.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError
from ..slurm.agent.readers import make_readers_folder

READERS = "readers"
OPEN_MODE = 0o644
CLOSED_MODE = 0o640
"""Of files in a reader's folder. What stands for the group here is the limit of the access list."""


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
        make_readers_folder(str(folder), reader)
    except OSError as error:
        raise UserError(
            "The artefact store cannot keep the environment of a private repository for its "
            "reader alone.",
            "Tell your help desk: the store must be its builders', and have POSIX access lists.",
            detail=str(error),
        ) from error
    return folder
