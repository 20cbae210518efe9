"""The agent as one file, as it is installed on login nodes, and as the helper that sudo permits."""

from __future__ import annotations

import io
import zipapp
from pathlib import Path

from . import agent

INTERPRETER = "/usr/bin/python3 -IS"
"""Without what a site or a user adds to Python, which takes as long to load as the agent does."""


def packed(*, as_user: bool = False) -> bytes:
    """A program that Python runs as it is: the agent's folder, and nothing else of the library."""
    entry = "as_user" if as_user else "main"
    folder = Path(agent.__file__).parent
    program = io.BytesIO()
    zipapp.create_archive(
        folder.parent,
        program,
        interpreter=INTERPRETER,
        main=f"{folder.name}.{entry}:main",
        filter=lambda path: path.parts[0] == folder.name and path.suffix == ".py",
    )
    return program.getvalue()
