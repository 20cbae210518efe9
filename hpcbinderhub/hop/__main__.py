"""`python -m hpcbinderhub.hop FOLDER`: holds the forwarders; the hub, or systemd, starts it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

from .folder import Folder
from .process import allow_many_connections, run


def main() -> int:
    """Run until told to end, or until there is nothing to do."""
    logging.basicConfig(level=logging.INFO, format="[%(levelname)s %(asctime)s] %(message)s")
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    os.umask(0o077)
    (path,) = sys.argv[1:]
    allow_many_connections()
    try:
        asyncio.run(run(Folder(Path(path))))
    except OSError as error:
        logging.error("%s: %s", path, error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
