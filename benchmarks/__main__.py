"""`python -m benchmarks NAME [--json]`, or `all`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys

NAMES = ("launch", "service", "images")


def main() -> int:
    """Run one benchmark, or all."""
    # `python -m` looks here first, and would take the library's folder for the library, which is
    # put together from several.
    sys.path.append(sys.path.pop(0))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=[*NAMES, "all"])
    parser.add_argument(
        "--json", action="store_true", help="the figures as one JSON object in the last line"
    )
    options = parser.parse_args()
    figures: dict[str, object] = {}
    for name in NAMES if options.name == "all" else (options.name,):
        figures |= importlib.import_module(f"benchmarks.{name}").run()
    if options.json:
        print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
