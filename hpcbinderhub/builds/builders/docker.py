"""Docker, where a daemon is there and the site wants it: with buildx, or its classic builder.

The daemon carries out the steps, not the build's own process. So nothing of the fence is around
them, and what an image holds is got out of the daemon as a stream and laid out once more.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from hpcbinderhub.builds import one_user, tool
from hpcbinderhub.builds.builders.base import Builder, Opened
from hpcbinderhub.builds.disk import Growth
from hpcbinderhub.builds.dockerfiles import with_build_arguments
from hpcbinderhub.builds.steps import Steps
from hpcbinderhub.builds.storage import remove_temporary
from hpcbinderhub.builds.tool import BuilderError
from hpcbinderhub.errors import UserError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CONTAINER = "hpcbinderhub-opened"
OURS = "localhost/hpcbinderhub/"

# Of the classic builder, and of buildx.
STEP = re.compile(r"Step (\d+/\d+) : (.*)|#\d+ \[(?:\S+ )?(\d+/\d+)\] (.*)")


class Docker(Builder):
    """A daemon that is one worker's own to use; its images are known by their names."""

    name = "docker"

    @property
    def tree(self) -> Path:
        """Where an image is laid out, among what a build's disk limit counts."""
        return self.storage.graphroot / "docker-tree"

    def inside(self, *command: str) -> list[str]:
        """In a user namespace with one id, as which an image is laid out."""
        is_inside = "_CONTAINERS_ROOTLESS_UID" in os.environ
        return [*(() if is_inside else one_user.enter(os.getuid(), os.getgid())), *command]

    @property
    def has_one_user(self) -> bool:
        """Steps have all ids, since the daemon carries them out."""
        return False

    @property
    def beyond(self) -> str:
        """Why the fence is not around the steps."""
        return (
            "Docker's daemon carries out build steps, beyond what a worker shuts its builds in "
            "with: they reach what the daemon's containers reach, metadata addresses among it, "
            "whatever c.BuildPolicy.network says. Time and output are limited; disk only for what "
            "becomes the artefact."
        )

    @property
    def growth(self) -> Growth:
        """What becomes the artefact: the rest is the daemon's."""
        return Growth(whole=(self.tree,))

    def environment(self) -> dict[str, str]:
        """Which daemon it is, the worker's own environment says."""
        kept = ("_CONTAINERS_ROOTLESS_UID", "_CONTAINERS_ROOTLESS_GID", "DOCKER_HOST")
        account = pwd.getpwuid(int(os.environ.get("_CONTAINERS_ROOTLESS_UID", os.getuid())))
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "HOME": account.pw_dir,
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.storage.tmp),
            "DOCKER_BUILDKIT": "0",  # For `docker build`: buildx is asked for by its name.
        }

    def version(self) -> str:
        """The daemon's version."""
        return self._output("version", "--format", "{{.Server.Version}}")

    @cached_property
    def has_buildx(self) -> bool:
        """Whether buildx is installed beside Docker's own command."""
        try:
            self._output("buildx", "version")
        except BuilderError:
            return False
        return True

    def images(self) -> Collection[str]:
        """Names of the images that are ours: others may be in the daemon, and are not looked at."""
        listed = self._output("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
        return [name for name in listed.splitlines() if name.startswith(OURS)]

    def has(self, image: str) -> bool:
        """Whether the daemon has an image, by whatever form of its name."""
        try:
            self._output("image", "inspect", "--format", "{{.Id}}", image)
        except BuilderError:
            return False
        return True

    def digest(self, image: str) -> str:
        """The digest of its configuration."""
        return self._output("image", "inspect", "--format", "{{.Id}}", image)

    def build(
        self,
        *,
        context: Path,
        dockerfile: Path,
        tag: str,
        given: Steps,
        arguments: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        ignorefile: Path | None = None,
    ) -> Iterator[str]:
        """Have the daemon build; its own ways decide what a context's .dockerignore leaves out."""
        if given.trust_folder:
            raise UserError(
                "This site's builder (Docker) gives build steps no certificates.",
                "Ask your site's admin to unset c.Site.build_ca_bundle, and for base images that "
                "hold the certificates.",
            )
        text = with_build_arguments(dockerfile.read_text("utf-8"), given.variables)
        with tempfile.TemporaryDirectory(dir=self.storage.tmp, prefix="dockerfile-") as folder:
            file = Path(folder, "Dockerfile")
            file.write_text(text, "utf-8")
            command = build_command(
                has_buildx=self.has_buildx,
                file=file,
                tag=tag,
                arguments={**given.variables, **(arguments or {})},
                labels=labels or {},
                memory=given.limits.memory_bytes if given.limits else None,
                context=context,
            )
            yield from self._steps(command, given.variables)

    def _steps(self, command: Sequence[str], declared: Collection[str]) -> Iterator[str]:
        """Its lines; those that begin a step are as Buildah has them, which `causes` reads."""
        step = ""
        arguments = re.compile(rf"ARG ({'|'.join(declared) or '-'})\b")
        try:
            for said in tool.stream(command, self.environment(), program="docker", command="build"):
                found = STEP.fullmatch(said)
                if found is None:
                    yield said
                    continue
                text = found[2] or found[4]
                if not arguments.match(text):
                    step = text
                    yield f"STEP {found[1] or found[3]}: {step}"
        except BuilderError as error:
            yield f'Error: building at STEP "{step}": {(error.tail or ("",))[-1]}'
            raise

    def remove(self, image: str) -> None:
        """Remove an image, and what was laid out of it."""
        self._close()
        self._output("image", "rm", "--force", image)

    def remove_leftovers(self, keep_tmp: Collection[str]) -> None:
        """Images of builds, which are all of ours but the base images; and what was laid out."""
        self._close()
        for image in self.images():
            if not image.startswith(f"{OURS}base-"):
                self._output("image", "rm", "--force", image)
        remove_temporary(self.storage.tmp, keep_tmp)

    def weaknesses(self) -> Sequence[str]:
        """What a site should know of it."""
        root = (
            "Whoever may speak to Docker's daemon is root on its host: so is this account, and "
            "whoever breaks out of it, unless the daemon is a rootless one (DOCKER_HOST)."
        )
        classic = () if self.has_buildx else (
            "buildx is not installed here, so Docker's classic builder is used: it knows no `RUN "
            "--mount` and no heredocs, and Docker has announced its end.",
        )  # fmt: skip
        return (
            root,
            *classic,
            "Docker gets no certificates for build steps (c.Site.build_ca_bundle), keeps no Python "
            "packages for later builds, and makes no environment again from its "
            "record. The daemon is to serve one worker alone.",
        )

    def try_step(self, image: str) -> str:
        """Steps are the daemon's."""
        return self.beyond

    def configuration(self, image: str) -> dict[str, Any]:
        """As the daemon has it."""
        found = self._output("image", "inspect", "--format", "{{json .Config}}", image)
        config: dict[str, Any] = json.loads(found)
        return config

    def open(self, image: str) -> Opened:
        """Lay an image out, as the daemon exports a container of it."""
        self._close()
        self.tree.mkdir(parents=True)
        self._output("container", "create", "--name", CONTAINER, image, "true")
        exporting = subprocess.Popen(
            ["docker", "container", "export", CONTAINER],
            env=self.environment(),
            stdout=subprocess.PIPE,
        )
        try:
            unpacked = subprocess.run(
                # Device nodes cannot be made here, and no image needs its own.
                ["tar", "--extract", f"--directory={self.tree}", "--exclude=dev/*"],
                stdin=exporting.stdout,
                stderr=subprocess.PIPE,
                text=True,
            )
        finally:
            assert exporting.stdout is not None
            exporting.stdout.close()
            exported = exporting.wait()
        if exported or unpacked.returncode:
            said = unpacked.stderr.splitlines()
            raise BuilderError("docker", "export", exported or unpacked.returncode, said)
        (self.tree / ".dockerenv").unlink(missing_ok=True)
        return Opened(self.tree, self.configuration(image))

    def _close(self) -> None:
        """Remove what was laid out; an image may hold folders that even their owner cannot list."""
        if CONTAINER in self._output("container", "ls", "--all", "--format", "{{.Names}}").split():
            self._output("container", "rm", "--force", CONTAINER)
        shutil.rmtree(self.tree, ignore_errors=True)

    def base(self, image: str) -> tuple[str, str]:
        """Not known: the daemon keeps no word of what an image began with."""
        return "", ""

    def image_id(self, image: str) -> str | None:
        """The image's id."""
        return self.digest(image)

    def _output(self, *arguments: str) -> str:
        line = ["docker", *arguments]
        return tool.output(line, self.environment(), program="docker", command=arguments[0])


def build_command(
    *,
    has_buildx: bool,
    file: Path,
    tag: str,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    memory: int | None,
    context: Path,
) -> list[str]:
    """The command line of one build."""
    if has_buildx:
        # The builder of the daemon itself: others do not see the images that it has.
        start = ["docker", "buildx", "build", "--builder=default", "--load", "--progress=plain"]
        start += ["--provenance=false"]
    else:
        start = ["docker", "build", "--force-rm"]
        start += [f"--memory={memory}", f"--memory-swap={memory}"] if memory else []
    options = [f"--file={file}", f"--tag={tag}"]
    for name, value in arguments.items():
        options += ["--build-arg", f"{name}={value}"]
    for name, value in labels.items():
        options += ["--label", f"{name}={value}"]
    return [*start, *options, str(context)]
