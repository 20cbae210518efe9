"""Builds the JupyterLab extension where its sources have changed: seconds if not, a minute if so.

A program of its own, since `make` runs it, and setup.py, by whichever Python is at hand. What it
makes (`extension/`) says what it was made of, so that a copy of this folder is as good as built
on a machine without Node.js, as the one is where images are made.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCK = HERE / "package-lock.json"
MADE = HERE / "extension"
MADE_OF = MADE / "made-of.txt"
INSTALLED = HERE / "node_modules" / "hpcbinder-lock.txt"
NODE = (20, 19)


class CannotBuild(Exception):
    """A sentence for who wanted it."""


class NoNode(CannotBuild):
    """This machine cannot build it at all."""


def sources() -> str:
    """A hash of all that the extension is made of."""
    digest = hashlib.sha256()
    files = [HERE / "package.json", LOCK, HERE / "tsconfig.json"]
    files += sorted(path for path in (HERE / "src").rglob("*") if path.is_file())
    for path in files:
        digest.update(path.relative_to(HERE).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_built() -> bool:
    return MADE_OF.is_file() and MADE_OF.read_text() == sources()


def build() -> None:
    npm = program("npm")
    must_be_new_enough(program("node"))
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not INSTALLED.is_file() or INSTALLED.read_text() != lock:
        run(npm, "ci", "--ignore-scripts", "--no-fund", "--no-audit")
        INSTALLED.write_text(lock)
    # Read before: what is edited meanwhile is built the next time.
    made_of = sources()
    run(npm, "run", "build")
    MADE_OF.write_text(made_of)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NoNode(f"it takes Node.js {NODE[0]}.{NODE[1]} or newer, and there is no {name}.")
    return found


def must_be_new_enough(node: str) -> None:
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
    found = re.match(r"v(\d+)\.(\d+)", said)
    if found is None or tuple(map(int, found.groups())) < NODE:
        raise NoNode(f"it takes Node.js {NODE[0]}.{NODE[1]} or newer, and {node} is {said}.")


def run(npm: str, *arguments: str) -> None:
    done = subprocess.run(
        [npm, *arguments], cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise CannotBuild(f"`npm {' '.join(arguments[:2])}` failed in {HERE}, see above.")


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the JupyterLab extension.")
    parser.add_argument("--if-possible", action="store_true", help="end well without Node.js")
    options = parser.parse_args()
    if is_built():
        return 0
    print("lab: building the JupyterLab extension", flush=True)
    try:
        build()
    except CannotBuild as why:
        print(f"lab: the JupyterLab extension was not built: {why}", file=sys.stderr)
        return 0 if options.if_possible and isinstance(why, NoNode) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
