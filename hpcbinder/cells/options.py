"""The first line of a cell: `%%workers --each params.csv --with model`."""

from __future__ import annotations

import argparse
import shlex
from typing import Any, NamedTuple, NoReturn

from .errors import Refused


class Options(NamedTuple):
    """What it asks for."""

    one: bool
    on: list[str]
    each: str | None
    values: list[str]
    into: str | None
    background: bool
    of: str | None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{self.prog}: {message}.", self.format_help())


def _names(text: str) -> list[str]:
    return [name for name in (part.strip() for part in text.split(",")) if name]


def _variable(text: str) -> str:
    if not text.isidentifier():
        raise argparse.ArgumentTypeError(f"“{text}” is no name of a variable")
    return text


def _variables(text: str) -> list[str]:
    return [_variable(name) for name in _names(text)]


def _parser() -> _Parser:
    parser = _Parser(
        prog="%%workers",
        usage="%(prog)s [options], and the code in the lines below",
        description="Run a cell on Dask's workers. Variables stay on each worker for later cells.",
        add_help=False,
        allow_abbrev=False,
    )
    where = parser.add_mutually_exclusive_group()
    add = where.add_argument
    add("--all", action="store_true", help="on all workers that there are (if nothing is said)")
    add("--one", action="store_true", help="on one worker, the same one each time")
    add("--on", type=_names, default=[], metavar="A,B", help="on these workers, or nodes")
    add(
        "--each",
        metavar="FILE",
        help="once for each row of a CSV file, or of a table that is a variable; the columns are "
        "variables; whoever is free takes the next row",
    )
    add = parser.add_argument
    add(
        "--with",
        type=_variables,
        default=[],
        dest="values",
        metavar="X,Y",
        help="take these variables of the notebook along",
    )
    add("--into", type=_variable, metavar="NAME", help="the variable that gets the result")
    add("--background", action="store_true", help="go on at once; the result is then the run")
    add("--of", metavar="NAME", help="the Workers or Client to use, if there are several")
    return parser


def parse(line: str) -> Options:
    """The options of a line, or `Refused` with all that there are."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise Refused(f"%%workers: {error}.", "A quotation mark is without its other.") from None
    found: dict[str, Any] = vars(_parser().parse_args(words))
    del found["all"]
    return Options(**found)
