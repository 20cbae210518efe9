"""`hpcbinderhub check`: tries everything that is configured, and says what to change."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from ..checks.finding import Looked, Matter, failed
from ..checks.ground import Ground
from ..checks.report import write_report
from ..checks.run import look_at
from ..checks.shown import as_json, as_text
from ..checks.table import MATTERS
from ..errors import UserError
from ..site import Site, load_config


def check(options: argparse.Namespace) -> None:
    """Try everything that is configured, and say for each failure what to change. Run it as the
    hub's account; where workers run, as theirs."""
    if options.list:
        for matter in MATTERS:
            print(f"{matter.name:14} {matter.purpose}")
        return
    matters = _chosen(options.only)
    directory = Path(options.config)
    ground, looked = _ground(options, directory)
    if ground:
        looked = asyncio.run(look_at(matters, ground))
    print(as_json(looked) if options.json else as_text(looked))
    if options.report:
        write_report(Path(options.report), looked, ground, directory)
        print(f"{options.report} is for a support ticket: no secret is in it.", file=sys.stderr)
    if wrong := [one.matter for one in looked if one.failed]:
        raise UserError(
            f"There are failures in: {', '.join(wrong)}.", "Change what is said, and check again."
        )


def add_options(command: argparse.ArgumentParser) -> None:
    """The arguments."""
    command.add_argument("--only", default="", help="these matters alone, with commas between them")
    command.add_argument("--user", default="", help="as whom to submit short jobs; otherwise none")
    command.add_argument(
        "--wait", type=float, default=120, help="how many seconds such a job may be in the queue"
    )
    command.add_argument(
        "--report", default="", metavar="FILE", help="also write a file for a support ticket"
    )
    command.add_argument("--json", action="store_true", help="for programs")
    command.add_argument("--list", action="store_true", help="what there is to be checked")


def _ground(options: argparse.Namespace, directory: Path) -> tuple[Ground | None, list[Looked]]:
    """What the checks stand on; or what is wrong with the files."""
    try:
        config = load_config(directory)
        site = Site(config=config)
    except Exception as error:  # The files are programs: anything may come of them.
        return None, [_unreadable(directory, error)]
    return Ground(directory, config, site, options.user, options.wait, options.hpcbinder), []


def _chosen(only: str) -> Sequence[Matter]:
    names = [name.strip() for name in only.split(",") if name.strip()]
    known = {matter.name for matter in MATTERS}
    if unknown := sorted(set(names) - known):
        raise UserError(
            f"There is nothing to check by the name of {', '.join(unknown)}.",
            f"There are: {', '.join(matter.name for matter in MATTERS)}.",
        )
    return [matter for matter in MATTERS if not names or matter.name in names]


def _unreadable(directory: Path, error: Exception) -> Looked:
    where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
    return Looked(
        "configuration",
        (
            failed(
                "files",
                f"The files in {directory} cannot be used: {type(error).__name__}{where}: {error}",
                "Correct that line; docs/reference/configuration.md has every setting.",
            ),
        ),
    )
