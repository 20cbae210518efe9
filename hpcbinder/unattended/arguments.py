"""The command line of `hpcbinder run`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from .order import beside
from .parameters import value
from .record import NONE_BEGUN, Record


def add_to(commands: Any) -> None:
    """As one of the commands."""
    command: argparse.ArgumentParser = commands.add_parser(
        "run",
        help="run a notebook from top to bottom, with parameters",
        description="Run a notebook unattended. Parameters replace the values of the cell that has "
        "the tag “parameters”, as with Papermill. What was shown is written after every cell.",
    )
    add = command.add_argument
    add("notebook", type=Path)
    add(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="one of its parameters; as in JSON, or text",
    )
    add("--parameters", metavar="FILE", help="a JSON file with more of them; - is standard input")
    add("-o", "--output", type=Path, help="where it is written (default: NAME.out.ipynb)")
    add("--record", type=Path, metavar="FILE", help="where it is written how it ended, as JSON")
    add("--kernel", help="the kernel's name (default: the notebook's)")
    add("--cell-seconds", type=int, metavar="N", help="the longest that a cell may take")


def run(options: argparse.Namespace) -> int:
    """The exit code."""
    try:
        from . import execute
    except ImportError as error:
        # The start command goes without; a server never does.
        print(f"hpcbinder run: {error}. It needs nbclient and ipykernel.", file=sys.stderr)
        return NONE_BEGUN
    begun = time.time()
    output = options.output or beside(options.notebook)
    try:
        parameters = given(options)
    except (OSError, ValueError) as error:
        print(f"hpcbinder run: {options.parameters}: {error}", file=sys.stderr)
        return NONE_BEGUN
    work = (options.notebook, output, parameters, options.kernel, options.cell_seconds)
    code, words = execute.run(execute.Work(*work))
    print(f"hpcbinder run: {words}", file=sys.stderr, flush=True)
    if options.record:
        about = (str(options.notebook), str(output), code, words)
        Record(*about, begun, time.time()).write(options.record)
    return code


def given(options: argparse.Namespace) -> dict[str, Any]:
    """All parameters; what is named on the command line counts."""
    known: dict[str, Any] = {}
    if options.parameters == "-":
        known = json.load(sys.stdin)
    elif options.parameters:
        known = json.loads(Path(options.parameters).read_text(encoding="utf-8"))
    if not isinstance(known, dict):
        raise ValueError("an object of names and values is expected")
    return known | {name: value(text) for name, text in options.parameter}
