"""The kinds of environment files: for each build pack that can be content-free, what it reads.

To teach it a kind of file: a function that looks at one and says what it includes, or raises
NotContentFree; an entry in its pack's table; and its name taken out of `ELSEWHERE`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import conda, requirements
from .files import NotContentFree, Reading
from .packs import Pack

Kind = Callable[[str, str], Reading]
"""Looks at one file, given its path and its text."""

_APT_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]*(=[A-Za-z0-9.+:~-]+)?")
_RUNTIME = re.compile(r"python-[0-9.]+(-\d{4}-\d{2}-\d{2})?|python-\d{4}-\d{2}-\d{2}")


def apt(path: str, text: str) -> Reading:
    """Names of Debian packages."""
    for line in text.split("\n"):
        package = line.partition("#")[0].strip()
        if package and not _APT_PACKAGE.fullmatch(package):
            raise NotContentFree(f"“{package}” in {path}")
    return Reading()


def runtime(path: str, text: str) -> Reading:
    """A version of Python, or a day."""
    if not _RUNTIME.fullmatch(text.strip()):
        raise NotContentFree(f"what {path} asks for")
    return Reading()


def settings(path: str, text: str) -> Reading:
    """A `pyproject.toml` that neither is a package's nor says how something is installed."""
    found = _toml(path, text)
    if found.keys() - {"tool"} or found.get("tool", {}).keys() & _INSTALLERS:
        raise NotContentFree(f"{path} describes a package, or how one is installed")
    return Reading()


def settings_of_uv(path: str, text: str) -> Reading:
    """A `pyproject.toml` of which nothing is used, unless it has a table for uv, which looks into
    the folder that it is started in."""
    if "uv" in _toml(path, text).get("tool", {}):
        raise NotContentFree(f"{path} says how uv is to install")
    return Reading(part_of_key=False)


def refused(path: str, _text: str) -> Reading:
    """Anything that would have to be understood."""
    raise NotContentFree(f"there is a {path}")


def _toml(path: str, text: str) -> dict[str, Any]:
    if len(text) > conda.MAX_CHARACTERS:
        raise NotContentFree(f"{path} is too long")
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise NotContentFree(f"{path} is no TOML") from error
    if not isinstance(found.get("tool", {}), dict):
        raise NotContentFree(f"{path} is no pyproject.toml")
    return found


_INSTALLERS = {"uv", "poetry", "pdm", "hatch", "flit", "setuptools", "pixi", "conda-lock"}


@dataclass(frozen=True)
class Table:
    """What one pack reads."""

    beside: Mapping[str, Kind]
    """By name, in the folder of the environment files."""
    at_top: Mapping[str, Kind]
    """By name, at the top of a repository whose environment files are in a folder."""


TABLES: Mapping[Pack, Table] = {
    "uv": Table(
        {
            "requirements.txt": requirements.read,
            "apt.txt": apt,
            "runtime.txt": runtime,
            "pyproject.toml": settings,
        },
        {"pyproject.toml": settings_of_uv, "uv.toml": refused},
    ),
    "conda": Table(
        {
            "environment.yml": conda.read,
            "apt.txt": apt,
            "runtime.txt": runtime,
        },
        {},
    ),
}

ELSEWHERE = (
    # Scripts of the repository, which may do anything with its files.
    *("postBuild", "start", "install.R", "setup.py"),
    # What copying leaves out.
    *(".dockerignore", ".containerignore"),
    # Other ways to say the same, each of which a pack may come to read.
    *("environment.yaml", "Pipfile", "Pipfile.lock", "uv.lock", "uv.toml", "pylock.toml"),
    *(".python-version", "poetry.lock", "pdm.lock", "pixi.toml", "pixi.lock", "conda-lock.yml"),
    *("DESCRIPTION", "renv.lock"),
)
"""With one of these in its folder, an environment is made from the whole tree."""
