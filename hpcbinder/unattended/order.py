"""What a launch runs by itself, on its way from the claim into the server."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..fields import absolute, text

VARIABLE = "HPCBINDER_UNATTENDED"
FILE = "parameters.json"
"""In the launch's directory, until the notebook is begun."""


class Run(NamedTuple):
    """What the hub says."""

    notebook: str
    output: str | None
    parameters: dict[str, Any]


class Order(NamedTuple):
    """The same on the node: where everything is."""

    notebook: Path
    output: Path
    parameters: Path
    """A file that its owner alone can read. It is removed as soon as it was opened."""

    @property
    def record(self) -> Path:
        """How it went, for programs."""
        return self.output.with_suffix(".json")

    @property
    def log(self) -> Path:
        """What the notebook printed."""
        return self.output.with_suffix(".log")


def run_from_claim(found: object) -> Run | None:
    """The hub's words; None for a server that somebody works in."""
    if found is None:
        return None
    if not isinstance(found, dict) or not isinstance(found["parameters"], dict):
        raise TypeError("a run expected")
    output = found["output"]
    given = None if output is None else text(output)
    return Run(text(found["notebook"]), given, found["parameters"])


def beside(notebook: Path) -> Path:
    """Where what a notebook has shown is written, unless something else is said."""
    return notebook.with_suffix(".out.ipynb")


def leave(run: Run, workspace: Path, launch: Path) -> str:
    """The value of `VARIABLE` for the server. Parameters may be secrets, and are not in it."""
    parameters = launch / FILE
    descriptor = os.open(parameters, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(run.parameters, file)
    notebook = workspace / run.notebook
    output = workspace / run.output if run.output else beside(notebook)
    return json.dumps([str(notebook), str(output), str(parameters)])


def from_environment(environ: Mapping[str, str]) -> Order | None:
    """What the start command left for the server."""
    if VARIABLE not in environ:
        return None
    return Order(*map(absolute, json.loads(environ[VARIABLE])))
