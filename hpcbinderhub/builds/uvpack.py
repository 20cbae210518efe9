"""The build pack for repositories of Python files: uv, no conda, on the site's base image.

It makes what repo2docker's Python and Pipfile packs make, and what lock files say besides
(`python_files`), and adds only what the repository asks for to an environment that the base image
already holds.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repo2docker.buildpacks.base import BaseImage

from hpcbinderhub.builds.assembly import Assembly, Copy, Run
from hpcbinderhub.builds.causes import NOTICE
from hpcbinderhub.builds.engine import HubEngine
from hpcbinderhub.builds.python_files import Wanted, wanted
from hpcbinderhub.builds.pythons import RUNTIME, Choice, asked, choose, runtime_date
from hpcbinderhub.builds.tools import TOOLS

REPO_DIR = "/srv/repo"
USER = "1000"
OWNER = f"{USER}:{USER}"
INSTALL = ("/srv/hpcbinder/env/bin/python3", "-I", f"{TOOLS}/install")

APT_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]*(=[A-Za-z0-9.+:~-]+)?")
APT_INSTALL = (
    "apt-get -qq update && apt-get install --yes --no-install-recommends -- "
    '"$@" && apt-get -qq clean && rm -rf /var/lib/apt/lists/*'
)
# Through a shell, since a script without a first line that names its interpreter is common.
POST_BUILD = 'chmod +x "$1" && "./$1"'


class UvPack(BaseImage):  # type: ignore[misc]
    """Python repositories, with uv."""

    def __init__(self, base_image: str, *, pythons: Mapping[str, str]):
        """``pythons``: the site's base images by their Python, the usual one first.

        repo2docker gives every pack its own base image, which this one does not use.
        """
        super().__init__(base_image)
        self.pythons = pythons

    def detect(self) -> bool:
        """Every repository without another kind of environment, if the site has a Python for it."""
        others = ("environment.yml", "environment.yaml", "Dockerfile")
        if any(os.path.exists(self.binder_path(name)) for name in others):
            return False
        language, _, _ = self.runtime
        if language is not None and not RUNTIME.fullmatch(language):
            return False
        choice = self.python()
        if choice.version is not None:
            return True
        if not self.wanted().stock:
            raise ValueError(choice.notice)
        # With conda, repo2docker's own packs may have it.
        self.log.info("%s%s", NOTICE, choice.notice)
        return False

    def wanted(self) -> Wanted:
        """What is installed."""
        return wanted(Path(), self.binder_dir)

    def python(self) -> Choice:
        """The Python that is installed into."""
        usual, *others = self.pythons
        return choose(asked(Path(), self.binder_dir, self.wanted()), usual, others)

    def install(self) -> tuple[str, ...]:
        """What the installer in the image is asked for; nothing if nothing is."""
        arguments = self.wanted().arguments
        file = Path(self.binder_path("runtime.txt"))
        day = runtime_date(file.read_text("utf-8")) if file.exists() else None
        if arguments and day and "--lock" not in arguments:
            arguments += ("--date", day.isoformat())
        return arguments

    def notices(self) -> list[str]:
        """What a person should know of the choices that were made."""
        choice, wanted = self.python(), self.wanted()
        told = [choice.notice] if choice.notice else []
        if wanted.unread:
            told.append(f"{wanted.decides} decides; not read: {', '.join(wanted.unread)}")
        return told

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
        install = self.install()
        if install:
            steps.append(Run(USER, (*INSTALL, *install), REPO_DIR, packages=True))
        for script in self.get_post_build_scripts():
            steps.append(Run(USER, ("sh", "-c", POST_BUILD, "postBuild", script), REPO_DIR))
            # What the script has added is byte-compiled, too.
            steps.append(Run(USER, INSTALL, REPO_DIR))
        start = self.get_start_script()
        environment = {"R2D_ENTRYPOINT": start.replace("${REPO_DIR}", REPO_DIR)} if start else {}
        version = self.python().version
        assert version is not None
        base, labels = self.pythons[version], dict(self.get_labels())
        return Assembly(base, tuple(steps), environment, labels, USER)

    def render(self, build_args: Mapping[str, str] | None = None) -> str:
        """The steps as a Dockerfile, which repo2docker logs."""
        return self.assembly().containerfile()

    def build(
        self,
        client: HubEngine,
        image_spec: str,
        *_unused: Any,
        **_unused_too: Any,
    ) -> Iterator[str]:
        """Have the builder carry out the steps."""
        yield from (f"{NOTICE}{notice}\n" for notice in self.notices())
        with tempfile.NamedTemporaryFile(
            dir=client.builder.storage.tmp, prefix="ignore-"
        ) as nothing:
            ignorefile = Path(nothing.name)
            for name in (".dockerignore", ".containerignore"):
                if os.path.exists(self.binder_path(name)):
                    ignorefile = Path(self.binder_path(name)).resolve()
            for line in client.builder.assemble(
                self.assembly(),
                image=image_spec,
                context=Path.cwd(),
                ignorefile=ignorefile,
                given=client.given,
            ):
                yield line + "\n"
