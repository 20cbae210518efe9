"""Layers by hand, the tree that `umoci` unpacks of them, and the one that is in a squashfs file."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Tree = dict[str, tuple[str, ...]]
"""Each path: its kind, its content or target, its mode, and the other names of it."""


@dataclass(frozen=True)
class Item:
    """One name in a layer."""

    path: str
    kind: str = "file"
    text: str = ""
    mode: int = 0o644


def folder(path: str, mode: int = 0o755) -> Item:
    return Item(path, "folder", mode=mode)


def file(path: str, text: str = "", mode: int = 0o644) -> Item:
    return Item(path, "file", text, mode)


def symlink(path: str, target: str) -> Item:
    return Item(path, "symlink", target)


def link(path: str, target: str) -> Item:
    return Item(path, "link", target)


TYPES = {
    "folder": tarfile.DIRTYPE,
    "file": tarfile.REGTYPE,
    "symlink": tarfile.SYMTYPE,
    "link": tarfile.LNKTYPE,
    "device": tarfile.CHRTYPE,
    "pipe": tarfile.FIFOTYPE,
}


def layer(items: Sequence[Item], format: int = tarfile.PAX_FORMAT) -> bytes:
    """A layer that is not compressed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as tar:
        for item in items:
            info = tarfile.TarInfo(item.path)
            info.type, info.mode, info.mtime = TYPES[item.kind], item.mode, 1_700_000_000
            content = item.text.encode() if item.kind == "file" else b""
            info.linkname = item.text if item.kind in ("symlink", "link") else ""
            info.size, info.devmajor, info.devminor = len(content), 1, 3
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write_layout(target: Path, layers: Sequence[bytes], config: dict[str, Any]) -> dict[str, Any]:
    """An OCI image in a folder, named `image`, of layers from the lowest up; its manifest."""
    blobs = target / "blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(data: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        media_type = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    packed = [gzip.compress(data, 1, mtime=0) for data in layers]
    image = {
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in layers],
        },
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(json.dumps(image).encode(), "config.v1+json"),
        "layers": [blob(data, "layer.v1.tar+gzip") for data in packed],
    }
    described = blob(json.dumps(manifest).encode(), "manifest.v1+json")
    described["annotations"] = {"org.opencontainers.image.ref.name": "image"}
    (target / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))
    (target / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return manifest


def by_umoci(folder: Path, layers: Sequence[bytes]) -> Tree | None:
    """What umoci unpacks; None if it refuses."""
    shutil.rmtree(folder, ignore_errors=True)
    write_layout(folder / "layout", layers, {})
    return unpacked(folder)


def unpacked(folder: Path) -> Tree | None:
    """What umoci unpacks of the layout in a folder; None if it refuses."""
    rootless = ["--rootless"] if os.getuid() else []
    done = subprocess.run(
        ["umoci", "unpack", *rootless, "--image", f"{folder}/layout:image", f"{folder}/bundle"],
        capture_output=True,
    )
    return tree(folder / "bundle/rootfs") if done.returncode == 0 else None


def by_unsquashfs(artefact: Path, folder: Path) -> Tree:
    """What is in a squashfs file."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["unsquashfs", "-quiet", "-dest", folder, artefact], check=True, timeout=60)
    return tree(folder)


def tree(root: Path) -> Tree:
    """What is below a folder, without devices and pipes, with modes as every artefact has them."""
    found: Tree = {}
    names: dict[int, list[str]] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            found[name] = ("folder", "", _mode(status.st_mode))
        elif stat.S_ISLNK(status.st_mode):
            found[name] = ("symlink", os.readlink(path))
        elif stat.S_ISREG(status.st_mode):
            names.setdefault(status.st_ino, []).append(name)
            found[name] = ("file", path.read_text(), _mode(status.st_mode))
    for same in names.values():
        for name in same:
            found[name] += tuple(same)
    return found


def _mode(mode: int) -> str:
    readable = 0o555 if stat.S_ISDIR(mode) or mode & 0o111 else 0o444
    return oct((mode | readable) & 0o1777)
