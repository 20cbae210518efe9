"""What the files of a repository say is installed into its Python environment.

Names are looked up where repo2docker looks: below ``binder/`` or ``.binder/`` if there is such a
folder, and then nowhere else. The first of these that is there decides, the others are not read:

1. ``pylock.toml``, ``uv.lock``, ``Pipfile.lock``: every version as it is locked;
2. ``Pipfile``;
3. ``requirements.txt``, with the repository itself if it is a package;
4. the repository itself, if it is a package, or the dependencies in ``pyproject.toml``.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHOSEN = "binder"
"""The extra, and the dependency group, that a project may declare for its notebooks."""


@dataclass(frozen=True)
class Wanted:
    """What is installed, as arguments of the installer in the image."""

    decides: str | None = None
    """The file that decides; nothing if there is none."""
    arguments: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    """Files that would have decided, were the deciding one not there."""
    stock: bool = True
    """Whether repo2docker's own build packs would make something of it, too."""


def read_toml(path: Path) -> dict[str, Any]:
    """A file of a repository; what is wrong with it is the repository's to correct."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def table(value: object, *keys: str) -> dict[str, Any]:
    """A table in a table; an empty one if it is not there or is something else."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def wanted(folder: Path, binder: str) -> Wanted:
    """What is installed for the repository in a folder; ``binder`` is its binder folder, if any."""
    here = Path(binder)
    readers = {
        "pylock.toml": _lock,
        "uv.lock": _uv_lock,
        "Pipfile.lock": _lock,
        "Pipfile": _pipfile,
        "requirements.txt": _requirements,
        "pyproject.toml": _project,
        "setup.py": _project,
    }
    found = [name for name in readers if (folder / here / name).is_file()]
    if binder and "setup.py" in found:
        found.remove("setup.py")  # A package is the repository, not a part of it.
    for number, name in enumerate(found):
        arguments = readers[name](folder, here / name)
        if arguments is None:
            continue
        locked = [other for other in found[number + 1 :] if other in LOCKABLE]
        return Wanted(
            decides=str(here / name),
            arguments=arguments,
            unread=tuple(str(here / other) for other in locked) if name in LOCKED else (),
            stock=name in STOCK and not (name == "pyproject.toml" and "--project" in arguments),
        )
    return Wanted()


LOCKED = {"pylock.toml", "uv.lock", "Pipfile.lock"}
LOCKABLE = {"uv.lock", "Pipfile.lock", "requirements.txt"}
STOCK = {"Pipfile.lock", "Pipfile", "requirements.txt", "pyproject.toml", "setup.py"}


def _lock(_folder: Path, file: Path) -> tuple[str, ...]:
    return ("--lock", str(file))


def _pipfile(_folder: Path, file: Path) -> tuple[str, ...]:
    return ("--pipfile", str(file))


def _uv_lock(folder: Path, file: Path) -> tuple[str, ...]:
    project = file.with_name("pyproject.toml")
    if not (folder / project).is_file():
        raise ValueError(f"{file} has no {project} beside it, which says what is locked.")
    return ("--lock", str(file), *_chosen(read_toml(folder / project)))


def _requirements(folder: Path, file: Path) -> tuple[str, ...]:
    package = file.parent == Path() and is_package(folder)
    return ("--requirements", str(file), *(_package(folder) if package else ()))


def _project(folder: Path, file: Path) -> tuple[str, ...] | None:
    if file.parent == Path() and is_package(folder):
        return _package(folder)
    if file.name != "pyproject.toml":
        return None
    project = read_toml(folder / file)
    chosen = _chosen(project)
    if not table(project, "project").get("dependencies") and not chosen:
        return None
    return ("--project", str(file), *chosen)


def _package(folder: Path) -> tuple[str, ...]:
    file = folder / "pyproject.toml"
    return ("--package", *(_chosen(read_toml(file)) if file.is_file() else ()))


def _chosen(project: dict[str, Any]) -> tuple[str, ...]:
    """The extra and the group for notebooks, if the project has them."""
    extra = CHOSEN in table(project, "project", "optional-dependencies")
    group = CHOSEN in table(project, "dependency-groups")
    return (("--extra", CHOSEN) if extra else ()) + (("--group", CHOSEN) if group else ())


def is_package(folder: Path) -> bool:
    """Whether the repository itself is to be installed, by repo2docker's rules."""
    if (folder / "setup.py").is_file():
        return True
    file = folder / "pyproject.toml"
    if not file.is_file():
        return False
    project = read_toml(file)
    return "project" in project and "build-system" in project
