"""Bytecode of all packages, so that no start has to compile what a read-only image cannot keep.

Compiling takes longer than all else of an installation, so packages that builders keep are kept
with their bytecode. Python takes that only for a source with the time and size that it names. Kept
sources get one time, `KEPT`, that no file otherwise has; an installation gives it to its copies.
"""

import compileall
import os
import py_compile
import sysconfig
from concurrent.futures import ProcessPoolExecutor
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

KEPT = 315619200  # The 2nd of January 1980, which is a valid time in any archive and any zone.


def byte_compile(since=0):
    """Compile what was installed or changed since a moment.

    Some packages ship files that are not for this Python, or for none; those stay as they are.
    """
    folders = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")}
    writable = [folder for folder in folders if os.access(folder, os.W_OK)]
    paths = [path for folder in writable for path in sources(folder) if not is_valid(path, since)]
    if paths:
        with ProcessPoolExecutor() as pool:
            list(pool.map(compile_one, paths, chunksize=16))


def adopt_kept(since):
    """Give what was installed since a moment the time that the bytecode copied with it names.

    Before anything of the repository runs: a source that a script changes later is another one.
    """
    for folder in {sysconfig.get_path(name) for name in ("purelib", "platlib")}:
        for path in sources(folder):
            found = os.stat(path)
            if found.st_mtime >= since and told(path) == (KEPT, found.st_size):
                os.utime(path, (KEPT, KEPT))


def keep(folder):
    """Compile the sources of packages that are kept and that links below a folder lead to."""
    library = sysconfig.get_path("purelib")
    compiled = []
    for path in sources(folder):
        source = os.path.realpath(path)
        os.utime(source, (KEPT, KEPT))
        if told(source) != (KEPT, os.stat(source).st_size):
            compiled.append((source, os.path.join(library, os.path.relpath(path, folder))))
    if compiled:
        with ProcessPoolExecutor() as pool:
            list(pool.map(compile_kept, compiled, chunksize=16))


def sources(folder):
    """All Python files below a folder."""
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (os.path.join(where, name) for name in files if name.endswith(".py"))


def is_valid(path, since=0):
    """Whether Python takes the bytecode that there is of a file; of one that is older than a
    moment, and was compiled before, it is enough that there is some."""
    found = os.stat(path)
    if found.st_mtime < since and found.st_mtime != KEPT:
        return os.path.exists(cache_from_source(path))
    return told(path) == (int(found.st_mtime) & 0xFFFFFFFF, found.st_size & 0xFFFFFFFF)


def told(path):
    """Of which time and size a file's bytecode says that it is; nothing if it is none."""
    try:
        with open(cache_from_source(path), "rb") as file:
            head = file.read(16)
    except OSError:
        return None
    # The four bytes between are for bytecode that goes by a hash.
    if len(head) < 16 or head[:4] != MAGIC_NUMBER or any(head[4:8]):
        return None
    return int.from_bytes(head[8:12], "little"), int.from_bytes(head[12:], "little")


def compile_one(path):
    """Compile one file; what is wrong with it is no error here."""
    return compileall.compile_file(path, quiet=2)


def compile_kept(pair):
    """Compile one file for where it will be installed."""
    source, shown = pair
    try:
        py_compile.compile(source, dfile=shown, doraise=True)
    except (py_compile.PyCompileError, ValueError, OSError):
        Path(cache_from_source(source)).unlink(missing_ok=True)
