"""`python -m hpcbinder.node --grant SOURCE`: the launcher, in the Python that notebooks run in."""

from __future__ import annotations

import argparse
import os
import sys

from ..report import Exit, Stop, say
from . import library
from .grant import taken
from .imports import import_all
from .launcher import run


def main() -> int:
    """Import all there is, then read the orders, and be the launcher."""
    parser = argparse.ArgumentParser(prog="hpcbinder.node", description=__doc__)
    parser.add_argument(
        "--grant",
        required=True,
        help="the number of a descriptor, or a file of yours alone, that holds the orders as JSON",
    )
    options = parser.parse_args()
    # Logs and what is spilled are the user's alone.
    os.umask(0o077)
    with library.opened():
        import_all()
    try:
        orders = taken(options.grant)
    except (OSError, ValueError, KeyError, TypeError) as error:
        # The reader's own words could quote the key.
        say("node", f"The orders cannot be read ({type(error).__name__}).")
        return Exit.UNFIT
    writer = _exit_code_of_writer()
    if orders is None:
        return writer
    try:
        return run(orders)
    except Stop as stop:
        say(stop.phase, str(stop))
        return stop.code


def _exit_code_of_writer() -> int:
    """How the process ended that was to write the orders, if it is ours: it has said why."""
    try:
        return os.waitstatus_to_exitcode(os.wait()[1])
    except ChildProcessError:
        return Exit.UNFIT


if __name__ == "__main__":
    sys.exit(main())
