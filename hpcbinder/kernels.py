"""Which kernels the image has, and which of them a notebook gets that asks for another."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

PYTHON = "python3"
# The places that Jupyter looks at in every environment.
SYSTEM = ("/usr/local/share/jupyter", "/usr/share/jupyter")
LARGEST_NOTEBOOK = 8 * 2**20
MOST_FOLDERS = 1000


class Wish(NamedTuple):
    """The kernel that a notebook asks for."""

    name: str
    language: str


def available(jupyter_path: Iterable[str], python: str | None) -> dict[str, str]:
    """Each kernel's language by its name. `python3` is the repository's Python, or nobody's."""
    found: dict[str, str] = {}
    for folder in (*jupyter_path, *SYSTEM):
        for file in sorted(Path(folder, "kernels").glob("*/kernel.json")):
            language = _object(file).get("language")
            found.setdefault(file.parent.name, str(language or "").lower())
    found.pop(PYTHON, None)
    return {PYTHON: "python", **found} if python else found


def wish(notebook: Path) -> Wish | None:
    """What a notebook asks for, if it says so."""
    metadata = _part(_object(notebook), "metadata")
    spec = _part(metadata, "kernelspec")
    language = spec.get("language") or _part(metadata, "language_info").get("name")
    name = spec.get("name")
    if not isinstance(name, str) or not isinstance(language, str):
        return None
    return Wish(name, language.lower())


def substitute(wanted: Wish, kernels: Mapping[str, str]) -> str | None:
    """The kernel of the same language: the repository's Python before all others."""
    return next((name for name, language in kernels.items() if language == wanted.language), None)


def notebooks(top: Path) -> Iterator[Path]:
    """The notebooks in a folder and below, but for hidden ones; in a very large one, not all."""
    for count, (folder, folders, files) in enumerate(os.walk(top)):
        if count == MOST_FOLDERS:
            return
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".ipynb"))


def _object(file: Path) -> dict[str, object]:
    """A JSON object; an empty one if the file holds none."""
    try:
        if file.stat().st_size > LARGEST_NOTEBOOK:
            return {}
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _part(found: Mapping[str, object], name: str) -> dict[str, object]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}
