"""The base image's name stands for all that goes into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcbinderhub.builds.tool import BuilderError
from hpcbinderhub.errors import UserError
from hpcbinderhub.images.base import BaseSettings, base_name, not_made, recipe_folder


@pytest.fixture
def settings(tmp_path: Path) -> BaseSettings:
    """Settings with a recipe of one file."""
    (tmp_path / "recipe").mkdir()
    (tmp_path / "recipe/Containerfile").write_text("FROM x", "utf-8")
    storage = {name: tmp_path / name for name in ("graphroot", "runroot", "tmp")}
    return BaseSettings.model_validate({"storage": storage, "recipe": tmp_path / "recipe"})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source tree."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source/start.py").write_text("1", "utf-8")
    return tmp_path / "source"


def test_the_name_changes_with_recipe_and_source(settings: BaseSettings, source: Path) -> None:
    first = base_name(settings, source)
    assert first.startswith(f"localhost/hpcbinderhub/base-3.11:{settings.generation}-")
    assert base_name(settings, source) == first
    (source / "start.py").write_text("2", "utf-8")
    second = base_name(settings, source)
    (settings.recipe / "Containerfile").write_text("FROM y", "utf-8")
    third = base_name(settings, source)
    fourth = base_name(settings.model_copy(update={"from_image": "other:1"}), source)
    fifth = base_name(settings.model_copy(update={"python": "3.13"}), source)
    assert len({first, second, third, fourth, fifth}) == 5


def test_the_name_does_not_change_with_what_tools_leave(
    settings: BaseSettings, source: Path
) -> None:
    first = base_name(settings, source)
    for name in ("__pycache__/a.pyc", "x.egg-info/PKG-INFO", "build/lib/a.py"):
        (source / name).parent.mkdir(parents=True)
        (source / name).write_text("", "utf-8")
    assert base_name(settings, source) == first


def test_a_wheel_will_do(settings: BaseSettings, tmp_path: Path) -> None:
    wheel = tmp_path / "hpcbinder-1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    assert base_name(settings, wheel) == base_name(settings, wheel)


def test_a_source_that_is_not_there_is_said(settings: BaseSettings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        base_name(settings, tmp_path / "absent")


def test_the_recipe_is_complete() -> None:
    recipe = recipe_folder()
    copied = {
        "Containerfile",
        "add-tools.py",
        "carry.py",
        "workspace_paths.py",
        "install/__main__.py",
    }
    assert {name for name in copied if (recipe / name).is_file()} == copied


NO_NODE = """\
STEP 16/21: USER 1000
STEP 17/21: RUN if [ -f /tmp/hpcbinder/pyproject.toml ]; then uv build
running bdist_wheel
lab: building the JupyterLab extension
lab: the JupyterLab extension was not built: it takes Node.js 20.19 or newer, and there is no npm.
The wheel of hpcbinder needs its JupyterLab extension, see above.
error: Failed to build `/tmp/hpcbinder`
  cause: The build backend returned an error
  cause: Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)
exit status 1
"""


def test_a_wheel_of_ours_that_cannot_be_built_is_no_package_of_anybodys(tmp_path: Path) -> None:
    failed = BuilderError("buildah", "build", 1, ())
    why = not_made(NO_NODE.splitlines(), failed, tmp_path)
    assert why.message.endswith(f"the wheel of hpcbinder cannot be built from {tmp_path}.")
    assert "lab/build.py" in why.advice
    assert "there is no npm" in why.detail


def test_what_else_keeps_it_from_being_made_is_said_as_of_any_image(tmp_path: Path) -> None:
    lines = ["STEP 2/21: RUN apt-get update", "cp: error writing: No space left on device"]
    why = not_made(lines, BuilderError("buildah", "build", 1, ()), tmp_path)
    assert why.message == "The base image could not be made. The build host has no disk space left."
