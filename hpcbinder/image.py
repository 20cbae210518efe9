"""What the image says about itself: the file that its build left at `/srv/hpcbinder/image.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from .report import Exit, Stop

FORMAT = 1
# What container engines assume of an image that sets no PATH.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Generated(NamedTuple):
    """One path that the build made beside the commit's own: a file, a link if `link` is its target,
    or a whole folder."""

    path: str
    link: str | None
    folder: bool = False


class World(NamedTuple):
    """Which Python of the image does what."""

    server: list[str]
    """The server's command."""
    python: str | None
    """Whose the kernel `python3` is."""
    jupyter_path: list[str]
    home: Path
    """HOME as the build left it."""
    lacks: dict[str, str]
    """What the environment cannot have (`kernel`, `workers`), and why."""
    fixed: list[str]
    """Packages of the repository that stay as the image has them, whatever becomes of the files."""


class Image(NamedTuple):
    """The environment of the image, and what its repository left in it."""

    env: dict[str, str]
    repo_dir: Path | None
    start: str | None
    generated: list[Generated]
    in_home: list[Generated]
    world: World


def read(path: Path) -> Image:
    """The description at `path`."""
    try:
        found = json.loads(path.read_bytes())
        if found["format"] != FORMAT:
            raise ValueError(f"format {found['format']!r}, not {FORMAT}")
        env = {"PATH": DEFAULT_PATH, **found["env"]}
        if not all(isinstance(value, str) for value in env.values()):
            raise TypeError("a variable is not text")
        return Image(
            env=env,
            repo_dir=Path(found["repo_dir"]) if found["repo_dir"] else None,
            start=found["start"],
            generated=[_generated(entry) for entry in found["generated"]],
            in_home=[_generated(entry) for entry in found["in_home"]],
            world=_world(found["world"], found["fixed"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Stop(
            Exit.UNFIT,
            "start",
            f"{path} does not describe this image ({type(error).__name__}: {error}). "
            "Ask the site's administrators to build the image again.",
        ) from None


def _generated(entry: dict[str, Any]) -> Generated:
    path, link = entry["path"], entry["link"]
    if not isinstance(path, str) or not isinstance(link, (str, type(None))):
        raise TypeError("a generated path is not text")
    return Generated(path, link, entry.get("folder") is True)


def _world(found: dict[str, Any], fixed: list[str]) -> World:
    command, python = found["server"], found["python"]
    if not command or not isinstance(python, (str, type(None))):
        raise TypeError("the server or its Python is not text")
    return World(
        server=[str(word) for word in command],
        python=python,
        jupyter_path=[str(path) for path in found["jupyter_path"]],
        home=Path(found["home"]),
        lacks={str(what): str(why) for what, why in found["lacks"].items()},
        fixed=[str(name) for name in fixed],
    )
