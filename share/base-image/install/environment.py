"""The one Python environment of the image, and uv, which changes it."""

import os
import subprocess
import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

from packaging.utils import canonicalize_name

TOOLS = Path("/srv/hpcbinder/tools")
UV = str(TOOLS / "uv")


def uv(*arguments, to=None, seconds=None):
    """Run uv for this environment; its words go to the build's log, unless it may only take so long
    and is nobody's concern. Returns its exit code."""
    environment = dict(os.environ)
    # As pip does: a package may come from any of the indexes that a requirements file names.
    environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    # Packages are copied, since a cache that others use must not share its files with them.
    environment["UV_LINK_MODE"] = "copy"
    environment["UV_PYTHON"] = sys.executable
    cache = [] if "UV_CACHE_DIR" in environment else ["--no-cache"]
    command = [UV, *arguments, *cache, "--no-progress", "--no-python-downloads"]
    words = subprocess.DEVNULL if seconds else None
    done = subprocess.run(command, env=environment, stdout=to, stderr=words, timeout=seconds)
    return done.returncode


def installed():
    """Names and versions of all packages."""
    found = distributions(path=[sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    return {
        canonicalize_name(package.metadata["Name"]): package.version
        for package in found
        if package.metadata["Name"]
    }


def changed(before):
    """Whether something that was there is gone, or is another version."""
    now = installed()
    return any(now.get(name) != version for name, version in before.items())
