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
    """One path that the build made beside the commit's own; a link if `link` is its target."""

    path: str
    link: str | None


class Image(NamedTuple):
    """The environment of the image, and what its repository left in it."""

    env: dict[str, str]
    repo_dir: Path | None
    start: str | None
    generated: list[Generated]


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
    return Generated(path, link)
