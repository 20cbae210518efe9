"""A start at scale: many nodes import numpy, scipy and matplotlib from shared storage at once.

Each import has a node of its own: shared storage is mounted anew, so that nothing is remembered of
an earlier one. From an unpacked tree every module is looked up and opened there; from a squashfs
file there is one file, and the rest is between the node and its own memory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from hpcbinderhub.images import convert

NODES = 40
AT_ONCE = os.cpu_count() or 1
"""A node has cores of its own, so there are no more nodes at a time than this machine has cores."""

LATENCY = 0.002
"""Seconds for a request to shared storage that many nodes use at once."""

PACKAGES = ("numpy", "scipy", "matplotlib")
IMPORT = "import numpy, scipy.stats, scipy.optimize, matplotlib.pyplot"
SLOW = Path(__file__).with_name("slow.py")


def measure(nodes: int = NODES) -> dict[str, float]:
    """What a start asks of shared storage, and how long all of them take."""
    with tempfile.TemporaryDirectory(prefix="benchmark-start-", dir="/var/tmp") as folder:
        shared = Path(folder, "shared")
        make_environment(shared / "tree")
        files = sum(len(names) for _, _, names in os.walk(shared / "tree"))
        squash(shared / "tree", shared / "image.squashfs")
        tree = asked_and_seconds(shared, from_tree, nodes)
        squashed = asked_and_seconds(shared, from_squash, nodes)
    print(f"\n{nodes} cold imports, {AT_ONCE} at once, of an environment of {files:,} files;")
    print(f"a request to shared storage takes {LATENCY * 1000:.0f} ms.\n")
    print(f"{'':<10}{'opens':>8}{'lookups':>9}{'reads':>8}   a start;{'all':>9}")
    for name, (asked, seconds) in (("tree", tree), ("squashfs", squashed)):
        each = {what: asked[what] / nodes for what in ("opens", "lookups", "reads")}
        columns = f"{each['opens']:>8.0f}{each['lookups']:>9.0f}{each['reads']:>8.0f}"
        print(f"{name:<10}{columns}{seconds:>20.1f} s")
    return {
        "shared_opens_tree": tree[0]["opens"] / nodes,
        "shared_opens_squashfs": squashed[0]["opens"] / nodes,
        "imports_tree_over_squashfs": tree[1] / squashed[1],
    }


# -- the environment -------------------------------------------------------------------------------


def make_environment(tree: Path) -> None:
    """This Python, whole, with the packages: what an image holds of a repository's environment."""
    base, version = Path(sys.base_prefix), f"python{sysconfig.get_python_version()}"
    (tree / "bin").mkdir(parents=True)
    (tree / "lib").mkdir()
    shutil.copy(base / "bin" / version, tree / "bin" / "python3")
    for library in base.glob("lib/libpython*.so*"):
        shutil.copy(library, tree / "lib")
    left_out = shutil.ignore_patterns(
        "test", "tests", "site-packages", "dist-packages", "__pycache__"
    )
    shutil.copytree(sysconfig.get_path("stdlib"), tree / "lib" / version, ignore=left_out)
    target = tree / "lib" / version / "site-packages"
    uv = Path(sys.executable).with_name("uv")
    install = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target"]
    subprocess.run([*install, target, *PACKAGES], check=True)
    compile_all = [sys.executable, "-m", "compileall", "-q", "-j0", tree / "lib" / version]
    subprocess.run(compile_all, check=False, stdout=subprocess.DEVNULL)


def squash(tree: Path, target: Path) -> None:
    """The same as an artefact, as builders make them."""
    options = [*convert.COMPRESSION, "-no-xattrs", "-all-root"]
    command = ["mksquashfs", tree, target, *options, "-quiet", "-no-progress"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


# -- one node --------------------------------------------------------------------------------------


def from_tree(storage: Path, node: Path) -> None:
    """The unpacked tree, where it is."""
    run_import(storage / "tree")


def from_squash(storage: Path, node: Path) -> None:
    """The file, mounted on the node first."""
    inside = node / "inside"
    inside.mkdir()
    # The kernel's view of an image is as good as long as it is mounted: it cannot change.
    subprocess.run(["squashfuse_ll", storage / "image.squashfs", inside], check=True)
    try:
        run_import(inside)
    finally:
        unmount(inside)


def run_import(root: Path) -> None:
    """A Python of its own, with nothing from elsewhere."""
    # Where distributions' Pythons do not look by themselves.
    packages = root / f"lib/python{sysconfig.get_python_version()}/site-packages"
    clean = {"PYTHONHOME": str(root), "PYTHONPATH": str(packages)}
    clean |= {"LD_LIBRARY_PATH": str(root / "lib"), "HOME": "/nonexistent"}
    clean |= {"PYTHONDONTWRITEBYTECODE": "1", "MPLCONFIGDIR": os.environ.get("TMPDIR", "/tmp")}
    subprocess.run([root / "bin" / "python3", "-s", "-c", IMPORT], env=clean, check=True)


@contextmanager
def slow_storage(shared: Path, node: Path, asked: Counter[str]) -> Iterator[Path]:
    """The storage as a node that has just booted sees it; `asked` is known when all is over."""
    mountpoint = node / "storage"
    mountpoint.mkdir()
    command = [sys.executable, SLOW, shared, mountpoint, str(LATENCY)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    while not os.path.ismount(mountpoint):
        if server.poll() is not None:
            raise RuntimeError("The slow file system did not start; is there FUSE here?")
        time.sleep(0.02)
    try:
        yield mountpoint
    finally:
        unmount(mountpoint)
        said, _ = server.communicate(timeout=30)
    asked.update(json.loads(said))


def unmount(mountpoint: Path) -> None:
    """At the latest when the last program that uses it has ended."""
    for _ in range(50):
        done = subprocess.run(["fusermount", "-u", mountpoint], stderr=subprocess.DEVNULL)
        if done.returncode == 0:
            return
        time.sleep(0.1)
    subprocess.run(["fusermount", "-uz", mountpoint], check=True)


# -- all nodes -------------------------------------------------------------------------------------


def asked_and_seconds(
    shared: Path, start: Callable[[Path, Path], None], number: int
) -> tuple[Counter[str], float]:
    """What all nodes together ask of the storage, and how long it takes until the last is done."""

    def one(_number: int) -> Counter[str]:
        asked: Counter[str] = Counter()
        with tempfile.TemporaryDirectory(prefix="node-", dir=shared.parent) as name:
            node = Path(name)
            with slow_storage(shared, node, asked) as storage:
                start(storage, node)
        return asked

    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as nodes:
        asked = sum(nodes.map(one, range(number)), Counter[str]())
    return asked, time.monotonic() - began
