"""The `hpcbinder` command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import __version__


def main() -> None:
    """Read the command line and run the command it names."""
    parser = argparse.ArgumentParser(prog="hpcbinder", description="Inside an HPC BinderHub image.")
    parser.add_argument("--version", action="version", version=f"hpcbinder {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="start the server of a launch (run by its job)")
    start.add_argument("--launch", type=Path, required=True, help="the launch's own directory")
    start.add_argument(
        "--image",
        type=Path,
        default=Path("/srv/hpcbinder/image.json"),
        help="the image's description of itself (default: %(default)s)",
    )
    options = parser.parse_args()

    from .start import run

    sys.exit(run(options.launch.absolute(), options.image))


if __name__ == "__main__":
    main()
