"""Which Python of an image does what, as the start command is told.

An image of our own base has one Python for all. What was decided for another is in the file that
`add-tools.py` left there; it is the image's own word, and holds for this image alone.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field, ValidationError

from hpcbinderhub.builds.request import Model
from hpcbinderhub.errors import UserError
from hpcbinderhub.images.tree import Tree

FILE = "/srv/hpcbinder/world.json"
LONGEST = 1 << 20
ENVIRONMENT = "/srv/hpcbinder/env"
HOME = "/srv/home"
LOADER = re.compile(r"_.+_editable(_loader)?\.py")
"""How build backends that compile call what they leave in place of an editable package."""


class World(Model):
    """The Pythons of an image."""

    server: tuple[str, ...] = Field(min_length=1)
    """The server's command."""

    python: str | None
    """Whose the kernel `python3` is; nobody's if notebooks cannot run in the repository's."""

    packages: str | None
    """Where that one has its packages."""

    jupyter_path: tuple[str, ...]
    """Where else kernels and JupyterLab's extensions are."""

    home: str
    """HOME as the build left it, which may hold packages, settings and data."""

    lacks: dict[str, str] = {}
    """What could not be had (`kernel`, `workers`), and why."""


def read_world(root: Path) -> World:
    """The world of the image in a tree."""
    text = Tree(root).read(FILE, LONGEST)
    if text is None:
        return _one(root)
    try:
        return World.model_validate_json(text)
    except ValidationError as error:
        raise UserError(
            f"The image's {FILE} cannot be read.",
            "No step of the build may change what lies below /srv/hpcbinder.",
            detail=str(error),
        ) from error


def _one(root: Path) -> World:
    """All in the environment of the base image."""
    library = f"{ENVIRONMENT}/lib"
    python = next((name for name in Tree(root).names(library) if name.startswith("python3")), None)
    return World(
        server=(f"{ENVIRONMENT}/bin/jupyterhub-singleuser",),
        python=f"{ENVIRONMENT}/bin/python3",
        packages=f"{library}/{python}/site-packages" if python else None,
        jupyter_path=(f"{HOME}/.local/share/jupyter",),
        home=HOME,
    )


def variables(world: World) -> dict[str, str]:
    """What leads a server to the kernels of the image."""
    return {"JUPYTER_PATH": ":".join(world.jupyter_path), "HPCBINDER_PYTHON": world.python or ""}


def fixed_packages(root: Path, world: World, repo_dir: str) -> tuple[str, ...]:
    """Packages that were installed from the repository as editable and yet stay as they were built,
    since what loads them is compiled beside it or names its folder itself."""
    tree = Tree(root)
    listed = tree.names(world.packages) if world.packages else []
    if not any(LOADER.fullmatch(name) for name in listed):
        return ()
    found = []
    for name in listed:
        distribution, _, suffix = name.rpartition(".")
        package = distribution.partition("-")[0]
        loaders = {f"_{package}_editable.py", f"_{package}_editable_loader.py"}
        if suffix != "dist-info" or not loaders & set(listed):
            continue
        if _is_from(repo_dir, tree.text(f"{world.packages}/{name}/direct_url.json", LONGEST)):
            found.append(package)
    return tuple(found)


def _is_from(repo_dir: str, direct_url: str) -> bool:
    """Whether what was installed from an address is the repository's own."""
    try:
        address: Any = json.loads(direct_url)["url"]
    except (ValueError, KeyError, TypeError):
        return False
    return PurePosixPath(str(address).removeprefix("file://")).is_relative_to(repo_dir)


def moved_home(environment: dict[str, str]) -> dict[str, str]:
    """Variables as they are after HOME has moved out of /home, which engines hide."""
    home = environment.get("HOME", "")
    if not home.startswith("/home/"):
        return environment
    old = re.compile(re.escape(os.path.normpath(home)) + r"(?=[/:]|$)")
    return {name: old.sub(HOME, value) for name, value in environment.items()}
