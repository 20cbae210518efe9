"""The site's base image: what every repository of Python files starts from.

Its name holds a hash of all that goes into it, so that it is made once and again when that changes.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import Field

from hpcbinderhub.builds import commands
from hpcbinderhub.builds.causes import diagnose
from hpcbinderhub.builds.lock import LOCK, exclusive
from hpcbinderhub.builds.recipe import TOOLS_GENERATION
from hpcbinderhub.builds.request import (
    PYTHON,
    AbsolutePath,
    ImageReference,
    Model,
    PythonVersion,
    SiteOptions,
    Storage,
)
from hpcbinderhub.builds.steps import steps_for
from hpcbinderhub.builds.storage import check_storage
from hpcbinderhub.errors import UserError

UNTRACKED = {"__pycache__", ".git", "build", "dist", "node_modules", ".mypy_cache", ".ruff_cache"}


def recipe_folder() -> Path:
    """Where the recipe is: beside the library in a source tree, else among the installed data."""
    beside = Path(__file__).resolve().parents[2] / "share" / "base-image"
    if beside.is_dir():
        return beside
    return Path(sys.prefix, "share", "hpcbinderhub", "base-image")


class BaseSettings(SiteOptions):
    """What a site may choose about its base image."""

    storage: Storage
    recipe: AbsolutePath = Field(default_factory=recipe_folder)
    from_image: ImageReference = "docker.io/library/debian:bookworm"
    python: PythonVersion = PYTHON
    uv_requirement: str = Field(default="uv>=0.8", pattern=r"^uv[A-Za-z0-9.,<>=!~]*$")
    generation: str = Field(default=TOOLS_GENERATION, pattern=r"^[0-9]{1,6}$")


class BaseImage(Model):
    """A base image in a builder's storage."""

    name: str
    digest: str


def ensure_base(
    settings: BaseSettings, hpcbinder_source: Path, log: Callable[[str], None]
) -> BaseImage:
    """Make the base image if the storage has none of this recipe; seconds if it has.

    ``hpcbinder_source`` is the source tree of the ``hpcbinder`` distribution, or its wheel.
    """
    check_storage(settings.storage)
    name = base_name(settings, hpcbinder_source)
    with exclusive(settings.storage):
        if not commands.exists(settings.storage, name):
            commands.remove_leftovers(settings.storage, keep_tmp={LOCK})
            lines: list[str] = []
            try:
                for line in _build(settings, hpcbinder_source, name):
                    lines.append(line)
                    log(line)
            except commands.BuildahError as error:
                why = diagnose(lines, error)
                raise UserError(
                    f"The base image could not be made. {why.message}",
                    why.advice,
                    detail="\n".join(why.lines),
                ) from error
            _remove_superseded(settings.storage, name)
    return BaseImage(name=name, digest=commands.inspect(settings.storage, name)["FromImageDigest"])


def base_name(settings: BaseSettings, hpcbinder_source: Path) -> str:
    """The image's name: its generation, and a hash of all that goes into it."""
    digest = hashlib.sha256()
    for text in (settings.from_image, settings.uv_requirement, settings.python):
        digest.update(text.encode() + b"\0")
    for folder in (settings.recipe, hpcbinder_source):
        for path in _files(folder):
            relative = path.name if folder.is_file() else path.relative_to(folder).as_posix()
            digest.update(relative.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    tag = f"{settings.generation}-{digest.hexdigest()[:16]}"
    return f"localhost/hpcbinderhub/base-{settings.python}:{tag}"


def _files(source: Path) -> Iterator[Path]:
    """The files of a source tree that matter, in a fixed order; a file is its own tree."""
    if source.is_file():
        yield source
        return
    if not source.is_dir():
        raise UserError(
            f"{source} does not exist.",
            "Name the folder of the base image's recipe and hpcbinder's source tree or wheel.",
        )
    for path in sorted(source.rglob("*")):
        parts = set(path.relative_to(source).parts)
        if path.is_file() and not parts & UNTRACKED and ".egg-info" not in str(path):
            yield path


def _remove_superseded(storage: Storage, name: str) -> None:
    """Remove base images of earlier recipes, each of which is about a gigabyte."""
    prefix = name.rpartition(":")[0] + ":"
    for other in commands.images(storage):
        if other.startswith(prefix) and other != name:
            commands.remove_image(storage, other)


def _build(settings: BaseSettings, hpcbinder_source: Path, name: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(dir=settings.storage.tmp, prefix="base-") as folder:
        context = Path(folder, "context")
        for source, target in (
            (settings.recipe, context),
            (hpcbinder_source, context / "hpcbinder"),
        ):
            for path in _files(source):
                copy = target / (path.name if source.is_file() else path.relative_to(source))
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        yield from commands.build(
            settings.storage,
            context=context,
            dockerfile=context / "Containerfile",
            tag=name,
            given=steps_for(settings, Path(folder, "trust"), commands.has_one_user()),
            arguments={
                "FROM_IMAGE": settings.from_image,
                "PYTHON": settings.python,
                "UV_REQUIREMENT": settings.uv_requirement,
            },
        )
