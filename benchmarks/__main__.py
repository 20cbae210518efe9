"""`python -m benchmarks NAME [--json]`, or `all`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys

NAMES = ("launch", "service", "images", "spawner", "node", "workers", "geophysics", "slicer")

OPTIONS = {"workers": ("sizes", "rounds"), "slicer": ("quick", "folder", "only")}


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
    parser.add_argument(
        "--sizes", type=_numbers, metavar="16,40", help="so many workers each, for `workers`"
    )
    parser.add_argument("--rounds", type=int, help="how often each is measured, for `workers`")
    parser.add_argument("--quick", action="store_true", help="small data, for a look, for `slicer`")
    parser.add_argument(
        "--folder", help="keeps data and environment for the next run, for `slicer`"
    )
    parser.add_argument(
        "--only", metavar="pace,status", help="some parts, for `slicer`: see its `run`"
    )
    options = parser.parse_args()
    given: dict[str, object] = {}
    for name, takes in OPTIONS.items():
        some = {key: value for key in takes if (value := getattr(options, key))}
        if some and options.name != name:
            parser.error(f"only `{name}` takes {' and '.join(takes)}")
        given |= some
    figures: dict[str, object] = {}
    for name in NAMES if options.name == "all" else (options.name,):
        figures |= importlib.import_module(f"benchmarks.{name}").run(**given)
    if options.json:
        print(json.dumps(figures))
    return 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


if __name__ == "__main__":
    sys.exit(main())
