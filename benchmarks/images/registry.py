"""From an image in a registry to an artefact: 1.1 GB and 50,000 files in four layers.

The floor is `skopeo copy` to a directory, and bare mksquashfs fed a tar file that somebody has made
ready (as sqfstar does, which cannot be told the level of zstd before squashfs-tools 4.6).
"""

from __future__ import annotations

import io
import shutil
import statistics
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hpcbinderhub.images import convert
from hpcbinderhub.images.oci import Layout
from hpcbinderhub.images.registry.artefact import Limits, from_registry
from hpcbinderhub.images.registry.client import Registry
from hpcbinderhub.images.registry.reference import parse
from hpcbinderhub.images.squash import NEEDED_FILES
from tests.images.registry import running, upload

from .tree import WHOLE, make_tree

ROUNDS = 5
REPLACED = 500
LIMIT = 10 << 30


def measure(tree: tuple[int, int] = WHOLE, rounds: int = ROUNDS) -> dict[str, float]:
    """`registry_over_floor`."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="bench-") as scratch:
        folder = Path(scratch)
        with running(folder / "registry") as host:
            upload(_layout(folder, tree), f"{host}/bench/image:image")
            seconds = _turns(folder, f"{host}/bench/image:image", rounds)
    print(f"\n{'from a registry':28} seconds")
    for name, mean in seconds.items():
        print(f"  {name:26} {mean:7.2f}")
    ours = seconds.pop("ours")
    return {"registry_over_floor": round(ours / sum(seconds.values()), 3)}


def _turns(folder: Path, image: str, rounds: int) -> dict[str, float]:
    seconds: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[Path], None]) -> None:
        target = folder / "target"
        target.mkdir()
        began = time.monotonic()
        work(target)
        seconds.setdefault(name, []).append(time.monotonic() - began)
        shutil.rmtree(target)

    for _ in range(rounds):
        timed("skopeo copy", lambda target: _copy(image, target))
        timed("bare sqfstar", lambda target: _squash(folder / "ready.tar", target))
        timed("ours", lambda target: _ours(image, target))
    return {name: statistics.mean(times) for name, times in seconds.items()}


def _copy(image: str, target: Path) -> None:
    skopeo = ("skopeo", "copy", "--quiet", "--src-tls-verify=false")
    subprocess.run([*skopeo, f"docker://{image}", f"dir:{target}"], check=True)


def _squash(ready: Path, target: Path) -> None:
    options = (*convert.COMPRESSION, "-tar", "-noappend", "-no-progress", "-quiet")
    command = ["mksquashfs", "-", str(target / "bare.squashfs"), *options]
    with ready.open("rb") as stream:
        subprocess.run(command, stdin=stream, stdout=subprocess.DEVNULL, check=True)


def _ours(image: str, target: Path) -> None:
    reference = parse(image)
    registry = Registry(reference.host, https=False)
    place = convert.Place(target, "bench")
    for _line in from_registry(registry, reference, place, Limits(LIMIT, target)):
        pass


def _layout(folder: Path, size: tuple[int, int]) -> Path:
    """The image: a base, an environment, a layer that takes away and replaces, and our programs.
    What is left of all four is in `ready.tar`."""
    tree = folder / "tree"
    make_tree(tree, *size)
    for path in NEEDED_FILES:
        (tree / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (tree / path.lstrip("/")).touch()
    parts = sorted((tree / "usr/lib").iterdir())
    layout = Layout(folder / "layout")
    with layout.layer() as tar:
        for part in parts[::2]:
            tar.add(part, part.relative_to(tree))
        for number in range(REPLACED):
            _add(tar, f"old/{number}", b"old" * 1000)
    with layout.layer() as tar:
        for part in parts[1::2]:
            tar.add(part, part.relative_to(tree))
    with layout.layer() as tar:
        _add(tar, ".wh.old", b"")
        for path in sorted(path for path in parts[0].rglob("*") if path.is_file())[:REPLACED]:
            tar.add(path, path.relative_to(tree))
    with layout.layer() as tar:
        tar.add(tree / "srv", "srv")
    layout.finish("image", "amd64", "2020-01-01T00:00:00Z", {}, annotations={})
    with tarfile.open(folder / "ready.tar", "w") as tar:
        for path in sorted(tree.iterdir()):
            tar.add(path, path.name)
    return layout.folder


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))
