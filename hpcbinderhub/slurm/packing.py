"""The agent as one file, as it is installed on login nodes."""

from __future__ import annotations

import io
import zipapp
from pathlib import Path

from . import agent

INTERPRETER = "/usr/bin/python3 -I"


def packed() -> bytes:
    """A program that Python runs as it is: the agent's folder, and nothing else of the library."""
    folder = Path(agent.__file__).parent
    program = io.BytesIO()
    zipapp.create_archive(
        folder.parent,
        program,
        interpreter=INTERPRETER,
        main=f"{folder.name}.main:main",
        filter=lambda path: path.parts[0] == folder.name and path.suffix == ".py",
    )
    return program.getvalue()
