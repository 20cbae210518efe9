"""What every image holds of ours, and whether it still works beside what a repository asks for."""

import os
import subprocess
import sys
from pathlib import Path

from environment import TOOLS, changed, uv

BIN = Path("/srv/hpcbinder/bin")
# What a launch needs, whatever a repository asks for.
PROGRAMS = ("hpcbinder", "jupyterhub-singleuser")


def requirements():
    """The tools as one requirement, so that uv tells their side of a conflict by their name; and
    without what reads HDF5 files, for repositories whose own versions of that do not suit."""
    (wheel,) = (TOOLS / "wheels").glob("*.whl")
    return [f"hpcbinder[{extras}] @ file://{wheel}" for extras in ("server,slicer", "server")]


def tell(text):
    """Tell the builder something that it knows how to read."""
    print("hpcbinder-tools: " + text, flush=True)


def keep(before, *attempts):
    """See to it that the tools go on working after a change.

    Each attempt holds options of uv that say what has to stay true beside them.
    """
    # If nothing that was there has changed, the tools are as they were in the base image.
    if not changed(before):
        return True
    for options in attempts:
        for number, requirement in enumerate(requirements()):
            if uv("pip", "install", requirement, *options) == 0:
                if number:
                    tell("without: slicer: no versions suit both the repository and it")
                return works()
    tell("conflict: no versions suit both the repository and the tools")
    return False


def works():
    """Whether the tools start; tells what does not."""
    checks = [[str(Path(sys.prefix, "bin", "jupyterhub-singleuser")), "--version"]]
    checks += [
        [sys.executable, "-c", "import " + name]
        for name in ("dask", "distributed", "jupyterlab", "ipykernel")
    ]
    for command in checks:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        if done.returncode != 0:
            what = " ".join([os.path.basename(command[0]), *command[1:]])
            tell(f"broken: {what}: {last_line(done.stdout)}")
            return False
    return True


def gather():
    """What Dask's launchers import goes into one file. Without it they start more slowly."""
    command = [sys.executable, "-I", "-m", "hpcbinder.node.library"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def last_line(text):
    """The line of a traceback that says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def install():
    """Make the environment of the base image: the tools alone."""
    if uv("pip", "install", requirements()[0]) != 0 or not works():
        return False
    for name in PROGRAMS:
        (BIN / name).symlink_to(Path(sys.prefix, "bin", name))
    # A link would not do: Python finds its environment by the path it was started by.
    python = BIN / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.prefix}/bin/python3 "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return True
