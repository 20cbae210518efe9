"""All packages of a finished image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import PurePosixPath

from pydantic import ValidationError

from ..tree import Tree
from . import conda, python, system
from .found import Fields
from .model import MAX_PACKAGES, Package

FIRST = ("/srv/hpcbinder/env", "/srv/conda/envs/notebook")
"""Where notebooks run: our own environment, or repo2docker's."""

KNOWN = (*FIRST, "/srv/conda", "/opt/conda", "/srv/home/.local", "/usr/local", "/usr")
NAMING = ("VIRTUAL_ENV", "CONDA_DIR", "CONDA_PREFIX", "NB_PYTHON_PREFIX", "KERNEL_PYTHON_PREFIX")
MAX_ENVIRONMENTS = 100
MAX_SIZE = 3 << 20
"""Of a bill in bytes, so that it passes through a line and a request."""


@dataclass(frozen=True)
class Contents:
    """What was found in an image, and what is known to be missing."""

    system: str
    packages: tuple[Package, ...]
    unread: tuple[str, ...]


def contents(tree: Tree, variables: Mapping[str, str]) -> Contents:
    """Read a tree. `variables` are the image's, which name further environments."""
    places = environments(tree, variables)
    found = chain(python.read(tree, places), conda.read(tree, places), system.read(tree))
    packages: dict[tuple[str, ...], Package] = {}
    strange = size = 0
    for fields in islice(found, MAX_PACKAGES):
        package = _package(fields)
        if package is None:
            strange += 1
            continue
        size += len(package.model_dump_json())
        if size > MAX_SIZE:
            break
        packages.setdefault(_identity(package), package)
    unread = [*system.unread(tree)]
    unread += [f"{strange} entries that could not be understood"] if strange else []
    if size > MAX_SIZE or tree.left <= 0 or any(True for _ in found):
        unread.append("what comes after the limit on the size of a bill")
    return Contents(
        system.name(tree), tuple(packages[key] for key in sorted(packages)), tuple(unread)
    )


def notebook_packages(packages: Iterable[Package]) -> tuple[str, ...]:
    """Names and versions of the Python packages where notebooks run."""
    return tuple(
        f"{package.name}=={package.version}"
        for package in packages
        if package.kind == "pypi" and package.where in FIRST
    )


def environments(tree: Tree, variables: Mapping[str, str]) -> list[str]:
    """The folders that may be environments: those where they usually are, and those that the
    image's own variables name."""
    named = [variables.get(name, "") for name in NAMING]
    named += [folder.removesuffix("/bin") for folder in variables.get("PATH", "").split(":")]
    found = [*KNOWN, *(str(PurePosixPath(path)) for path in named if path.startswith("/"))]
    found += list(_conda_environments(tree, found))
    return list(dict.fromkeys(path for path in found if path != "/"))[:MAX_ENVIRONMENTS]


def _conda_environments(tree: Tree, prefixes: list[str]) -> Iterator[str]:
    for prefix in prefixes:
        yield from (f"{prefix}/envs/{name}" for name in tree.names(f"{prefix}/envs"))


def _package(fields: Fields | None) -> Package | None:
    try:
        return Package.model_validate(fields)
    except ValidationError:
        return None


def _identity(package: Package) -> tuple[str, ...]:
    return (package.kind, package.where, package.name, package.version, package.arch)
