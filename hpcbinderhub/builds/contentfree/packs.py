"""Which build pack takes a commit: what `detect.py` finds in a checkout, told from a listing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from ..pythons import RUNTIME, Asked, choose, minor
from .files import Files, NotContentFree
from .tree import Tree

Pack = Literal["docker", "julia", "nix", "r", "uv", "conda", "python"]

_DATE = re.compile(r"\d\d\d\d-\d\d-\d\d")


def folder_of(tree: Tree) -> str:
    """Where the environment files are: `binder/`, `.binder/`, or the top, which is nothing."""
    names = ("binder", ".binder")
    found = [f"{name}/" for name in names if name in tree.folders]
    if len(found) > 1 or any(tree.is_odd(name) for name in names):
        raise NotContentFree("it is not clear which folder holds the environment files")
    return found[0] if found else ""


def pack_of(files: Files, folder: str, pythons: Sequence[str]) -> Pack:
    """The pack, in the order in which they are asked; `pythons` are the versions that base
    images have, the usual one first."""

    def has(*names: str) -> bool:
        return any(files.tree.has(folder + name) for name in names)

    tree = files.tree
    if tree.has("Dockerfile") and b"andrewosh/binder-base" in files.bytes("Dockerfile").lower():
        raise NotContentFree("the Dockerfile is one that repo2docker refuses")
    if has("Dockerfile"):
        return "docker"
    if has("Project.toml", "JuliaProject.toml", "REQUIRE"):
        return "julia"
    if has("default.nix"):
        return "nix"
    language, _, date = runtime(files, folder)
    if (language == "r" and date) or (not folder and tree.has("DESCRIPTION")):
        return "r"
    if has("environment.yml", "environment.yaml"):
        return "conda"
    if has("Pipfile", "Pipfile.lock"):
        raise NotContentFree("a Pipfile may name a Python, too")
    return "uv" if python_of(files, folder, pythons) else "python"


def python_of(files: Files, folder: str, pythons: Sequence[str]) -> str | None:
    """The Python that the uv pack takes for `runtime.txt`; None if that is not for it."""
    language, _, _ = runtime(files, folder)
    if language is not None and not RUNTIME.fullmatch(language):
        return None
    found = RUNTIME.fullmatch(files.text(f"{folder}runtime.txt").strip()) if language else None
    version = minor(found["version"]) if found and found["version"] else None
    return choose(Asked(version), pythons[0], pythons[1:]).version


def runtime(files: Files, folder: str) -> tuple[str | None, str | None, str | None]:
    """Language, version and date of `runtime.txt`, as far as it names them."""
    path = folder + "runtime.txt"
    if not files.tree.has(path):
        return None, None, None
    parts = files.text(path).strip().split("-")
    date = "-".join(parts[-3:]) if len(parts) in (4, 5) else None
    if len(parts) not in (2, 4, 5) or not all(parts) or (date and not _DATE.fullmatch(date)):
        raise NotContentFree("repo2docker refuses the runtime.txt")
    return parts[0], parts[1] if len(parts) in (2, 5) else None, date
