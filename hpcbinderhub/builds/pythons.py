"""Which Python a repository asks for, and which of a site's it gets."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from hpcbinderhub.builds.python_files import Wanted, read_toml, table

RUNTIME = re.compile(
    r"python-?(?P<version>\d+(?:\.\d+)*)?(?:-(?P<date>\d{4}-\d{2}-\d{2}))?", re.ASCII
)
NEWEST_PATCH = 999
"""A site's Python is known by its minor version; the installer looks at the rest."""


@dataclass(frozen=True)
class Asked:
    """What a repository says of its Python."""

    version: str | None = None
    """Like 3.11, or 3 for any of them."""
    where: str = ""
    """The file that names the version."""
    firm: bool = True
    """Whether no other version will do."""
    allowed: str = ""
    """The versions that the project declares to run on, as a specifier."""


@dataclass(frozen=True)
class Choice:
    """The Python that a repository gets, or why it gets none."""

    version: str | None
    notice: str = ""


def runtime_date(text: str) -> date | None:
    """The day in ``runtime.txt``, as of which the package index is to be looked at."""
    found = RUNTIME.fullmatch(text.strip())
    if found is None or found["date"] is None:
        return None
    try:
        return date.fromisoformat(found["date"])
    except ValueError as error:
        raise ValueError(f"Invalid runtime.txt date: {found['date']}") from error


def asked(folder: Path, binder: str, wanted: Wanted) -> Asked:
    """What the files in a folder say, by the rules of the one that says what is installed."""
    here = folder / binder
    decides = Path(wanted.decides or "").name
    allowed = _allowed(here, decides)
    if decides in ("Pipfile", "Pipfile.lock"):
        for name in ("Pipfile.lock", "Pipfile"):
            required = _of_pipfile(here / name)
            if required:
                return Asked(required, str(Path(binder, name)), allowed=allowed)
    found = RUNTIME.fullmatch(_text(here / "runtime.txt"))
    if found and found["version"]:
        return Asked(minor(found["version"]), str(Path(binder, "runtime.txt")), allowed=allowed)
    for line in _text(here / ".python-version").splitlines():
        version = re.fullmatch(r"(?:c?python-?)?(\d+(?:\.\d+)*)", line.strip())
        if version:
            where = str(Path(binder, ".python-version"))
            # repo2docker does not look at it; a project says itself what else will do.
            firm = not (wanted.stock or allowed)
            return Asked(minor(version[1]), where, firm, allowed)
    return Asked(allowed=allowed)


def choose(asked: Asked, default: str, others: Collection[str]) -> Choice:
    """The Python for a repository: the site's usual one where it will do, else the newest."""
    offered = [default, *sorted(set(others) - {default}, key=Version, reverse=True)]
    fitting = [version for version in offered if fits(version, asked.allowed)]
    if asked.version is None:
        if fitting:
            return Choice(fitting[0])
        return _refuse(f"This repository's requires-python is {asked.allowed}", offered)
    named = [v for v in offered if v == asked.version or v.startswith(f"{asked.version}.")]
    both = [version for version in named if version in fitting]
    if both:
        return Choice(both[0])
    if named and asked.firm:
        contradiction = f"{asked.where} asks for Python {asked.version}, and the repository's "
        return Choice(None, f"{contradiction}requires-python ({asked.allowed}) excludes it.")
    if fitting and not asked.firm:
        lacking = f"{asked.where} asks for Python {asked.version}, which this site does not have"
        return Choice(fitting[0], f"{lacking}; the repository gets Python {fitting[0]}.")
    return _refuse(f"{asked.where} asks for Python {asked.version}", offered)


def _refuse(what: str, offered: list[str]) -> Choice:
    versions = sorted(offered, key=Version)
    listed = " and ".join([", ".join(versions[:-1]), versions[-1]] if versions[1:] else versions)
    return Choice(None, f"{what}; this site has Python {listed}.")


def minor(version: str) -> str:
    """A version without its patch number."""
    return ".".join(version.split(".")[:2])


def fits(version: str, allowed: str) -> bool:
    """Whether some patch release of a Python is within a specifier."""
    try:
        specifiers = SpecifierSet(allowed)
    except InvalidSpecifier as error:
        raise ValueError(f"The repository's requires-python cannot be read: {allowed}") from error
    return any(specifiers.contains(f"{version}.{patch}") for patch in (*range(100), NEWEST_PATCH))


def _allowed(here: Path, decides: str) -> str:
    """What the file that decides, or the project beside it, declares to run on."""
    if decides in ("pylock.toml", "uv.lock"):
        declared = read_toml(here / decides).get("requires-python")
    elif (here / "pyproject.toml").is_file():
        declared = table(read_toml(here / "pyproject.toml"), "project").get("requires-python")
    else:
        declared = None
    return declared if isinstance(declared, str) else ""


def _of_pipfile(path: Path) -> str:
    """The version that a Pipfile or its lock requires."""
    if not path.is_file():
        return ""
    try:
        content = json.loads(path.read_text("utf-8")) if path.suffix else read_toml(path)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    requires = table(content, "_meta", "requires") if path.suffix else table(content, "requires")
    for key in ("python_full_version", "python_version"):
        version = re.match(r"\d+(\.\d+)*", str(requires.get(key, "")))
        if version:
            return minor(version[0])
    return ""


def _text(path: Path) -> str:
    """What a small file holds; nothing if it is not there."""
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except (FileNotFoundError, IsADirectoryError):
        return ""
