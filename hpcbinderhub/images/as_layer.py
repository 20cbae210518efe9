"""An artefact's tree as a layer of an OCI image."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import UserError
from .oci import Layout
from .record import RECORD
from .unsquash import Entry, opened

UV = "srv/hpcbinder/tools/uv"
"""A program that is in every image, and says for which machines the image is."""

ARCHITECTURES = {62: "amd64", 183: "arm64", 21: "ppc64le", 22: "s390x", 243: "riscv64"}
"""ELF's numbers for machines, and OCI's names."""

_KINDS = {"D": tarfile.DIRTYPE, "R": tarfile.REGTYPE, "S": tarfile.SYMTYPE, "L": tarfile.LNKTYPE}

Change = Callable[[tarfile.TarInfo], tarfile.TarInfo]


def _as_it_is(info: tarfile.TarInfo) -> tarfile.TarInfo:
    return info


def add_tree(
    layout: Layout, artefact: Path, change: Change = _as_it_is
) -> tuple[dict[str, Any], str]:
    """The artefact as a layer, its entries changed so; its record, and for which machine it is."""
    kept: dict[str, bytes] = {}
    with opened(artefact) as (entries, data), layout.layer() as layer:
        files = sorted((e for e in entries if e.kind == "R"), key=lambda e: e.offset)
        links = [e for e in entries if e.kind == "L"]
        for entry in (*(e for e in entries if e.kind in "DS"), *files, *links):
            content: Any = data
            if entry.path in (RECORD.lstrip("/"), UV):
                kept[entry.path] = data.read(entry.size)
                content = io.BytesIO(kept[entry.path])
            layer.addfile(change(_header(entry)), content if entry.kind == "R" else None)
    try:
        record: dict[str, Any] = json.loads(kept[RECORD.lstrip("/")])
        machine = int.from_bytes(kept[UV][18:20], "little")
        return record, ARCHITECTURES[machine]
    except (KeyError, ValueError) as error:
        raise UserError("This file is no image of HPC BinderHub's.", "Build it again.") from error


def _header(entry: Entry) -> tarfile.TarInfo:
    info = tarfile.TarInfo(entry.path)
    info.type = _KINDS[entry.kind]
    info.linkname = entry.target
    info.mode, info.mtime, info.size = entry.mode, entry.mtime, entry.size
    return info
