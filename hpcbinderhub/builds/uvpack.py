"""The build pack for repositories of Python files: uv, no conda, on the site's base image.

It makes what repo2docker's Python pack makes (``requirements.txt``, ``apt.txt``, ``postBuild``,
``start``, below ``binder/`` or ``.binder/`` too, or a package of its own) and adds only what the
repository asks for to an environment that the base image already holds.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repo2docker.buildpacks.base import BaseImage

from hpcbinderhub.builds.assembly import Assembly, Copy, Run, assemble
from hpcbinderhub.builds.buildah import BuildahEngine
from hpcbinderhub.builds.tools import TOOLS
from hpcbinderhub.images.base import PYTHON

REPO_DIR = "/srv/repo"
USER = "1000"
OWNER = f"{USER}:{USER}"
INSTALL = ("/srv/hpcbinder/env/bin/python3", "-I", f"{TOOLS}/install-requirements.py")

APT_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]*(=[A-Za-z0-9.+:~-]+)?")
APT_INSTALL = (
    "apt-get -qq update && apt-get install --yes --no-install-recommends -- "
    '"$@" && apt-get -qq clean && rm -rf /var/lib/apt/lists/*'
)
# Through a shell, since a script without a first line that names its interpreter is common.
POST_BUILD = 'chmod +x "$1" && "./$1"'


class UvPack(BaseImage):  # type: ignore[misc]
    """Python repositories, with uv."""

    def __init__(self, base_image: str, *, hub_base_image: str):
        """repo2docker gives every pack its own base image, which this one does not use."""
        super().__init__(base_image)
        self.base_image = hub_base_image

    def detect(self) -> bool:
        """Every repository without another kind of environment, if it suits our Python."""
        others = ("environment.yml", "environment.yaml", "Pipfile", "Pipfile.lock", "Dockerfile")
        if any(os.path.exists(self.binder_path(name)) for name in others):
            return False
        language, version, _ = self.runtime
        if language is None:
            return True
        return bool(language == "python" and version in (None, PYTHON.split(".")[0], PYTHON))

    def is_package(self) -> bool:
        """Whether the repository itself is to be installed, by repo2docker's rules."""
        if self.binder_dir:
            return False
        if os.path.exists("setup.py"):
            return True
        if not os.path.exists("pyproject.toml"):
            return False
        with open("pyproject.toml", "rb") as file:
            project = tomllib.load(file)
        return "project" in project and "build-system" in project

    def apt_packages(self) -> list[str]:
        """The packages of ``apt.txt``."""
        file = Path(self.binder_path("apt.txt"))
        if not file.exists():
            return []
        lines = file.read_text("utf-8", errors="replace").splitlines()
        packages = sorted({line.partition("#")[0].strip() for line in lines} - {""})
        for package in packages:
            if not APT_PACKAGE.fullmatch(package):
                raise ValueError(f"Found invalid package name {package!r} in apt.txt")
        return packages

    def assembly(self) -> Assembly:
        """All steps for the repository in the current folder."""
        steps: list[Copy | Run] = []
        packages = self.apt_packages()
        if packages:
            steps.append(Run("0", ("sh", "-c", APT_INSTALL, "apt.txt", *packages)))
        steps.append(Copy(target=REPO_DIR, owner=OWNER))
        wanted: tuple[str, ...] = ()
        requirements = self.binder_path("requirements.txt")
        if os.path.exists(requirements):
            wanted += ("--requirements", requirements)
        if self.is_package():
            wanted += ("--package",)
        if wanted:
            steps.append(Run(USER, (*INSTALL, *wanted), REPO_DIR))
        for script in self.get_post_build_scripts():
            steps.append(Run(USER, ("sh", "-c", POST_BUILD, "postBuild", script), REPO_DIR))
        start = self.get_start_script()
        environment = {"R2D_ENTRYPOINT": start.replace("${REPO_DIR}", REPO_DIR)} if start else {}
        return Assembly(self.base_image, tuple(steps), environment, dict(self.get_labels()), USER)

    def render(self, build_args: Mapping[str, str] | None = None) -> str:
        """The steps as a Dockerfile, which repo2docker logs."""
        return self.assembly().containerfile()

    def build(
        self,
        client: BuildahEngine,
        image_spec: str,
        *_unused: Any,
        **_unused_too: Any,
    ) -> Iterator[str]:
        """Carry out the steps; the working container takes the place of an image."""
        with tempfile.NamedTemporaryFile(dir=client.tmp, prefix="ignore-") as nothing:
            ignorefile = Path(nothing.name)
            for name in (".dockerignore", ".containerignore"):
                if os.path.exists(self.binder_path(name)):
                    ignorefile = Path(self.binder_path(name)).resolve()
            for line in assemble(
                client.storage,
                self.assembly(),
                name=working_container(image_spec),
                context=Path.cwd(),
                ignorefile=ignorefile,
                given=client.given,
            ):
                yield line + "\n"


def working_container(image: str) -> str:
    """Name of the working container that stands for an image."""
    return "assembled-" + re.sub(r"[^a-z0-9.-]", "-", image)
