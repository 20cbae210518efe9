"""Where Slurm writes the log of a job, if that is not the launch's own directory."""

import os
import stat

from .basics import Refused


def make_log_folder(folder: str) -> None:
    """Make it, within a folder that is the user's alone: whoever else could write there would read
    along, or have the job write into another file."""
    if not folder:
        return
    own = os.path.dirname(folder)
    try:
        os.makedirs(own, exist_ok=True)
        found = os.lstat(own)
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise Refused("log", "%s cannot be made: %s" % (own, error.strerror)) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise Refused("log", "%s is not a folder of the user's own that nobody else writes" % own)
    os.makedirs(folder, exist_ok=True)
