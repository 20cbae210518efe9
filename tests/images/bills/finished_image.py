"""The tree of a finished image, as installers leave it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ENV = "/srv/hpcbinder/env"
CONDA = "/srv/conda/envs/notebook"
SITE = "lib/python3.11/site-packages"


def write(root: Path, path: str, text: str = "") -> Path:
    """A file of the tree."""
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def add_python(
    root: Path,
    name: str,
    version: str,
    *,
    prefix: str = ENV,
    installer: str = "uv",
    origin: dict[str, Any] | None = None,
    content: str = "x",
) -> Path:
    """A Python package as pip and uv install it; its `.dist-info`."""
    info = f"{name}-{version}.dist-info"
    folder = f"{prefix}/{SITE}/{info}"
    write(root, f"{folder}/METADATA", f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")
    write(root, f"{folder}/INSTALLER", f"{installer}\n")
    rows = [f"{name}/__init__.py,sha256={content},1", f"{info}/METADATA,sha256=m,2"]
    rows += [f"{info}/INSTALLER,sha256={installer},2", f"../../../bin/{name},sha256={prefix},3"]
    rows += [f"{name}/__pycache__/__init__.cpython-311.pyc,,", f"{info}/RECORD,,"]
    write(root, f"{folder}/RECORD", "\n".join(rows))
    if origin is not None:
        write(root, f"{folder}/direct_url.json", json.dumps(origin))
    return root / folder.lstrip("/")


def add_conda(root: Path, name: str, version: str, build: str, **more: Any) -> None:
    """A package as conda installs it."""
    url = f"https://conda.anaconda.org/conda-forge/linux-64/{name}-{version}-{build}.conda"
    record = {
        "name": name,
        "version": version,
        "build": build,
        "subdir": "linux-64",
        "url": url,
        "md5": "a" * 32,
        "sha256": "b" * 64,
        "files": ["lib/python3.11/x.py"],
    }
    text = json.dumps(record | more)
    write(root, f"{CONDA}/conda-meta/{name}-{version}-{build}.json", text)


DPKG = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Version: 2.36-9+deb12u7
Description: GNU C Library
 Version: 9 is not its version

Package: removed
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0

Package: hello
Status: install ok installed
Architecture: amd64
Version: 2.10-3
"""


def add_debian(root: Path) -> None:
    """Debian, with two packages."""
    write(root, "/var/lib/dpkg/status", DPKG)
    write(root, "/var/lib/dpkg/info/libc6:amd64.md5sums", f"{'c' * 32}  lib/libc.so.6\n")
    write(root, "/usr/lib/os-release", 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n')
