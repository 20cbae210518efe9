"""The `hpcbinder` command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import __version__
from .unattended import arguments


def main() -> None:
    """Read the command line and run the command it names."""
    parser = argparse.ArgumentParser(prog="hpcbinder", description="Inside an HPC BinderHub image.")
    parser.add_argument("--version", action="version", version=f"hpcbinder {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (
        ("start", "start the server of a launch (run by its job)"),
        ("node", "start the Dask workers of one node (run by their job)"),
    ):
        command = commands.add_parser(name, help=purpose)
        command.add_argument("--launch", type=Path, required=True, help="the job's own directory")
        command.add_argument(
            "--image",
            type=Path,
            default=Path("/srv/hpcbinder/image.json"),
            help="the image's description of itself (default: %(default)s)",
        )
    arguments.add_to(commands)
    options = parser.parse_args()

    if options.command == "run":
        sys.exit(arguments.run(options))
    if options.command == "node":
        from .node.start import run
    else:
        from .start import run

    sys.exit(run(options.launch.absolute(), options.image))


if __name__ == "__main__":
    main()
