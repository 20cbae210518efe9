"""What the start command reads about its image: `/srv/hpcbinder/image.json`."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from hpcbinderhub.images.generated import (
    REPO_DIR,
    Generated,
    generated,
    left_in_home,
    repository_folder,
)
from hpcbinderhub.images.tree import open_folder
from hpcbinderhub.images.world import World, fixed_packages, moved_home, read_world

RECORD = "/srv/hpcbinder/image.json"

START_SCRIPTS = {f"{REPO_DIR}/{folder}start" for folder in ("", "binder/", ".binder/")}


def describe(
    root: Path, config: Mapping[str, Any], context: Path, generation: str
) -> dict[str, Any]:
    """The record of the image in a tree, with its OCI configuration; `context` is the commit."""
    environment = dict(item.split("=", 1) for item in config.get("Env") or [])
    world = read_world(root)
    workdir = moved_home({**environment, "": config.get("WorkingDir") or "/"})[""]
    repo_dir = repository_folder(root, (REPO_DIR, workdir, world.home), context)
    start = environment.get("R2D_ENTRYPOINT")
    return image_record(
        generation=generation,
        environment=moved_home(environment),
        repo_dir=repo_dir,
        start=start if start in START_SCRIPTS else None,
        made=generated(root, repo_dir, context),
        world=world,
        in_home=left_in_home(root, world.home, repo_dir),
        fixed=fixed_packages(root, world, repo_dir),
    )


def image_record(
    *,
    generation: str,
    environment: dict[str, str],
    repo_dir: str,
    start: str | None,
    made: Sequence[Generated],
    world: World,
    in_home: Sequence[Generated] = (),
    fixed: Sequence[str] = (),
) -> dict[str, Any]:
    """The record, from what it tells."""
    return {
        "format": 1,
        "tools_generation": generation,
        "env": environment,
        "repo_dir": repo_dir,
        "start": start,
        "generated": [entry.as_dict() for entry in made],
        "in_home": [entry.as_dict() for entry in in_home],
        "world": world.model_dump(mode="json"),
        "fixed": list(fixed),
    }


def write_record(root: Path, record: Mapping[str, Any]) -> None:
    """Write the image's record into its tree."""
    path = PurePosixPath(RECORD)
    folder = open_folder(root, str(path.parent))
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path.name, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(path.name, flags, 0o644, dir_fd=folder), "w", encoding="utf-8") as file:
            json.dump(record, file)
    finally:
        os.close(folder)
