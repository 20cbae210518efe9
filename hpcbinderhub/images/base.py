"""The site's base image: what every repository of Python files starts from.

Its name holds a hash of all that goes into it, so that it is made once and again when that changes.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pydantic import Field

from hpcbinderhub.builds.builders import builder_of
from hpcbinderhub.builds.builders.base import Builder
from hpcbinderhub.builds.causes import Log, diagnose
from hpcbinderhub.builds.lock import LOCK, exclusive
from hpcbinderhub.builds.recipe import TOOLS_GENERATION
from hpcbinderhub.builds.request import (
    PYTHON,
    AbsolutePath,
    BuilderName,
    ImageReference,
    Model,
    PythonVersion,
    SiteOptions,
    Storage,
)
from hpcbinderhub.builds.steps import steps_for
from hpcbinderhub.builds.storage import check_storage
from hpcbinderhub.builds.tool import BuilderError
from hpcbinderhub.errors import UserError

OUR_WHEEL = r"Failed to build `/tmp/hpcbinder`"
"""How uv says that the recipe's own step failed, which is no repository's package."""
UNTRACKED = {"__pycache__", ".git", "build", "dist", "node_modules", ".mypy_cache", ".ruff_cache"}


def recipe_folder() -> Path:
    """Where the recipe is: beside the library in a source tree, else among the installed data."""
    beside = Path(__file__).resolve().parents[2] / "share" / "base-image"
    if beside.is_dir():
        return beside
    return Path(sys.prefix, "share", "hpcbinderhub", "base-image")


class BaseSettings(SiteOptions):
    """What a site may choose about its base image."""

    builder: BuilderName = "buildah"
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


class NotMade(UserError):
    """The base image cannot be made now; whether it can be later depends on others."""


def ensure_base(
    settings: BaseSettings, hpcbinder_source: Path, log: Callable[[str], None]
) -> BaseImage:
    """Make the base image if the storage has none of this recipe; seconds if it has.

    ``hpcbinder_source`` is the source tree of the ``hpcbinder`` distribution, or its wheel.
    """
    check_storage(settings.storage)
    name = base_name(settings, hpcbinder_source)
    builder = builder_of(settings.builder, settings.storage)
    with exclusive(settings.storage):
        if not builder.has(name):
            builder.remove_leftovers(keep_tmp={LOCK})
            lines: list[str] = []
            try:
                for line in _build(settings, builder, hpcbinder_source, name):
                    lines.append(line)
                    log(line)
            except BuilderError as error:
                raise not_made(lines, error, hpcbinder_source) from error
            _remove_superseded(builder, name)
    return BaseImage(name=name, digest=builder.digest(name))


def not_made(lines: Sequence[str], error: BuilderError, hpcbinder_source: Path) -> NotMade:
    """Why, by the log of a build that failed."""
    log = Log.of(lines)
    if log.find(OUR_WHEEL):
        return NotMade(
            "The base image could not be made: the wheel of hpcbinder cannot be built from "
            f"{hpcbinder_source}.",
            "Images have no Node.js for its JupyterLab extension: run lab/build.py in that folder "
            "where Node.js is, or name a wheel with --hpcbinder.",
            detail="\n".join(log.tail()),
        )
    why = diagnose(lines, error)
    message = f"The base image could not be made. {why.message}"
    return NotMade(message, why.advice, detail="\n".join(why.lines))


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


def _remove_superseded(builder: Builder, name: str) -> None:
    """Remove base images of earlier recipes, each of which is about a gigabyte."""
    prefix = name.rpartition(":")[0] + ":"
    for other in list(builder.images()):
        if other.startswith(prefix) and other != name:
            builder.remove(other)


def _build(
    settings: BaseSettings, builder: Builder, hpcbinder_source: Path, name: str
) -> Iterator[str]:
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
        yield from builder.build(
            context=context,
            dockerfile=context / "Containerfile",
            tag=name,
            given=steps_for(settings, Path(folder, "trust"), builder.has_one_user),
            arguments={
                "FROM_IMAGE": settings.from_image,
                "PYTHON": settings.python,
                "UV_REQUIREMENT": settings.uv_requirement,
            },
        )
