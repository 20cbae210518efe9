"""The one Python environment of the image, and uv, which changes it."""

import compileall
import os
import subprocess
import sys
import sysconfig
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import distributions
from importlib.util import cache_from_source
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


def byte_compile():
    """Compile once here: the image is read-only, so that every start would do it again.

    Some packages ship files that are not for this Python, or for none; those stay as they are.
    """
    folders = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")}
    paths = [path for folder in folders if os.access(folder, os.W_OK) for path in stale(folder)]
    if paths:
        with ProcessPoolExecutor() as pool:
            list(pool.map(compile_one, paths, chunksize=16))


def stale(folder):
    """Python files without bytecode, or newer than theirs."""
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in files:
            if name.endswith(".py"):
                path = os.path.join(where, name)
                compiled = cache_from_source(path)
                if (
                    not os.path.exists(compiled)
                    or os.stat(compiled).st_mtime < os.stat(path).st_mtime
                ):
                    yield path


def compile_one(path):
    """Compile one file; what is wrong with it is no error here."""
    return compileall.compile_file(path, quiet=2)
