"""`ch-image` of Charliecloud, for hosts where neither Buildah nor Docker may be installed.

It needs nothing of the host's admin but user namespaces. An image is a folder of its storage, so a
build copies what it begins with, and there is no cache.

What it makes of a Dockerfile is less than others do. What would make another image than was asked
for is refused; what it leaves out besides, it says in the log.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpcbinderhub.builds import one_user, tool
from hpcbinderhub.builds.builders.base import Builder, Opened
from hpcbinderhub.builds.disk import Growth
from hpcbinderhub.builds.dockerfiles import (
    instructions,
    with_build_arguments,
    with_named_bases,
    with_stages_for_images,
)
from hpcbinderhub.builds.steps import TRUST, Steps
from hpcbinderhub.builds.storage import remove_temporary
from hpcbinderhub.builds.tool import BuilderError
from hpcbinderhub.errors import UserError
from hpcbinderhub.images.bills import lock

# The distribution's own Python first, since it is what `ch-image` and its libraries are for.
PATH = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/usr/local/sbin"
STEP_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

MARK = "ch/hpcbinderhub"

REFUSED = {
    "ADD": "Use COPY, or RUN with curl and tar.",
    "ONBUILD": "Write the instruction where it is to be carried out.",
}

# The host's /tmp would be the steps' as well. The storage gets a second place, at which an image's
# own /tmp is still seen when a step's is mounted over it. What the fence has put in place of two
# files has no name any more, and cannot be mounted once more; so they are copied.
MOUNTS = """
for name in hosts resolv.conf; do
    cat "/etc/$name" > "$3/$name" || exit
    umount "/etc/$name" 2> /dev/null
    mount --bind "$3/$name" "/etc/$name" || exit
done
mount --bind "$0" /tmp && mount --bind "$1" "$2" && shift 3 && exec "$@"
"""
OWN_MOUNTS = ("unshare", "--mount", "sh", "-c", MOUNTS)

# What it says of an option that is not needed here, and of a cache that is not used.
NOISE = re.compile(r"workarounds: |available --force|hint: .*(--force|cache)|build slow\?")

STEP = re.compile(r"\s*(\d+)\.? ([A-Z]+ .*)")


class ChImage(Builder):
    """Charliecloud's `ch-image`, on a storage folder of its own."""

    name = "ch-image"

    @property
    def folder(self) -> Path:
        """Its storage, among what a build's disk limit counts."""
        return self.storage.graphroot / "ch-image"

    def inside(self, *command: str) -> list[str]:
        """In a user namespace with one id."""
        return [*_entering(), *command]

    @property
    def has_one_user(self) -> bool:
        """Always: it never makes use of subordinate ids."""
        return True

    @property
    def growth(self) -> Growth:
        """Images, each of which is a copy of what it begins with, and what was pulled."""
        return Growth(((self.folder / "img", ""), (self.folder / "dlcache", "")))

    def environment(self) -> dict[str, str]:
        """Charliecloud wants to know who it is."""
        inherited = {k: v for k, v in os.environ.items() if k.startswith("_CONTAINERS_")}
        account = pwd.getpwuid(int(os.environ.get("_CONTAINERS_ROOTLESS_UID", os.getuid())))
        return {
            **inherited,
            "HOME": account.pw_dir,
            "USER": account.pw_name,
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.storage.tmp),
            # It would need Git, and an identity for it.
            "CH_IMAGE_CACHE": "disabled",
        }

    def version(self) -> str:
        """Charliecloud's version."""
        return self._output("--version")

    def images(self) -> Collection[str]:
        """Names of whole images: one that fails has its name from the first step on."""
        return [image for image in self._all() if self._is_whole(image)]

    def _all(self) -> Collection[str]:
        return self._output("list").split() if self.folder.is_dir() else []

    def _is_whole(self, image: str) -> bool:
        """Whether a build of ours ended well; others were pulled. An image that begins with another
        one has the other's mark, which is the other's name."""
        mark = self.tree(image) / MARK
        ours = image.startswith("localhost/")
        return not ours or (mark.exists() and mark.read_text("utf-8") == image)

    def digest(self, image: str) -> str:
        """None: an image here is a folder, and nobody has hashed it."""
        return ""

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
        """Build from a Dockerfile; images that it copies from are made stages of it."""
        if any(path.resolve().is_relative_to("/tmp") for path in (self.folder, context)):
            raise UserError(
                "The builder's storage is below /tmp, which ch-image shows to every build step.",
                "Set c.Site.builder_dir, or c.BuildJobs.node_storage, to a folder elsewhere.",
            )
        text = dockerfile.read_text("utf-8")
        refuse(text)
        text = for_ch_image(text, given.variables, arguments or {})
        with tempfile.TemporaryDirectory(dir=self.storage.tmp, prefix="ch-image-") as folder:
            file, tmp, again = (Path(folder, name) for name in ("Dockerfile", "tmp", "storage"))
            file.write_text(text, "utf-8")
            tmp.mkdir(mode=0o1777)
            again.mkdir()
            options = [*("--file", str(file)), *("--tag", tag)]
            shown = binds(given)
            if not runs_early(text):
                # The image's own /tmp, where a Dockerfile may have put something before.
                own = self.tree(tag).relative_to(self.storage.graphroot) / "tmp"
                shown.append(f"{again / own}:/tmp")
            for bind in shown:
                options += ["--bind", bind]
            command = self._command("build", *options, str(context))
            where = (str(self.storage.graphroot), str(again), folder)
            line = [*_entering(), *OWN_MOUNTS, str(tmp), *where, *command]
            yield from self._steps(line, given)
        (self.tree(tag) / MARK).write_text(tag, "utf-8")
        for stage in self._stages(tag):
            self.remove(stage)

    def _steps(self, line: Sequence[str], given: Steps) -> Iterator[str]:
        """Its lines; those that begin a step are as Buildah has them, which `causes` reads."""
        own = given.own_environment()
        trusted = {"REQUESTS_CA_BUNDLE": own["SSL_CERT_FILE"]} if "SSL_CERT_FILE" in own else {}
        seen = {**own, **trusted, **self.environment()}
        step = why = ""
        try:
            for said in tool.stream(
                line, seen, program="ch-image", command="build", prefix=given.prefix()
            ):
                found = STEP.fullmatch(said)
                if NOISE.match(said):
                    continue
                if said.startswith("error: "):
                    why = said
                if not found:
                    yield said
                elif not re.match(rf"ARG ({'|'.join(given.variables) or '-'})\b", found[2]):
                    step = found[2]
                    yield f"STEP {found[1]}: {step}"
        except BuilderError as error:
            yield f'Error: building at STEP "{step}": {why or error.tail[-1:]}'
            raise

    def remove(self, image: str) -> None:
        """Remove an image's folder."""
        self._output("delete", image)

    def remove_leftovers(self, keep_tmp: Collection[str]) -> None:
        """Stages, and images that were never finished; with all temporary files."""
        for image in self._all():
            if re.search(r"_stage\d+$", image) or not self._is_whole(image):
                self.remove(image)
        remove_temporary(self.storage.tmp, keep_tmp)

    def weaknesses(self) -> Sequence[str]:
        """What a site should know of it."""
        return (
            "ch-image keeps nothing from one build to the next: base images are copied for each "
            "build, and every package is fetched again. It names no image by a digest. Where "
            "more stages than the last run something, no RUN finds what COPY has put into /tmp.",
            f"ch-image refuses Dockerfiles with {' or '.join(REFUSED)}, does not know heredocs "
            "and `RUN --mount`, and leaves out USER, SHELL's and COPY's finer options, LABEL and "
            ".dockerignore, which it says in the log.",
            "ch-image pulls from registries with TLS alone, and makes no "
            "environment again from its record.",
        )

    def try_step(self, image: str) -> str:
        """Its steps have a root folder of their own, and see the build's processes and devices."""
        return "ch-image starts no OCI containers."

    def configuration(self, image: str) -> dict[str, Any]:
        """What ch-image knows of an image, as OCI has it."""
        known = json.loads(self._metadata(image).read_text("utf-8"))
        variables = {"PATH": STEP_PATH, **known["env"]}
        return {
            "Env": [f"{name}={value}" for name, value in variables.items()],
            "WorkingDir": known["cwd"],
            "Labels": known["labels"],
        }

    def open(self, image: str) -> Opened:
        """The image's folder itself."""
        return Opened(self.tree(image), self.configuration(image))

    def base(self, image: str) -> tuple[str, str]:
        """Not known: an image keeps no word of what it began with."""
        return "", ""

    def tree(self, image: str) -> Path:
        """Where an image lies."""
        return self.folder / "img" / image.replace("/", "%").replace(":", "+")

    def _metadata(self, image: str) -> Path:
        return self.tree(image) / "ch" / "metadata.json"

    def _stages(self, tag: str) -> list[str]:
        return [image for image in self._all() if re.match(rf"{re.escape(tag)}_stage\d", image)]

    def _command(self, verb: str, *arguments: str) -> list[str]:
        where = [] if verb.startswith("-") else ["--storage", str(self.folder)]
        return ["ch-image", verb, *where, *arguments]

    def _output(self, verb: str, *arguments: str) -> str:
        line = [*_entering(), *self._command(verb, *arguments)]
        return tool.output(line, self.environment(), program="ch-image", command=verb)


def refuse(dockerfile: str) -> None:
    """Refuse what ch-image would leave out, though the image would be another one without it."""
    for name, rest in instructions(dockerfile):
        if name in REFUSED:
            raise UserError(
                f"This site's builder (ch-image) has no {name}: {name} {rest[:100]}", REFUSED[name]
            )


def for_ch_image(
    dockerfile: str, variables: Mapping[str, str], arguments: Mapping[str, str]
) -> str:
    """A Dockerfile as ch-image can build it. Values are in it: as options, it takes none that holds
    a ``=``, and gives each to one stage alone."""
    text = with_named_bases(with_stages_for_images(dockerfile), arguments)
    for name, value in arguments.items():
        line = f"ARG {_assigned(name, value)}"
        text = re.sub(rf"(?im)^\s*ARG\s+{name}(=.*)?$", lambda _, line=line: line, text)  # type: ignore[misc]
    return with_build_arguments(text, (_assigned(*item) for item in variables.items()))


def _assigned(name: str, value: str) -> str:
    """As ch-image reads it: of a plain word it would take the quotes as well."""
    return f"{name}={value if re.fullmatch(r'[^ =]+', value) else json.dumps(value)}"


def runs_early(dockerfile: str) -> bool:
    """Whether a stage other than the last one runs anything: its image lies elsewhere."""
    names = [name for name, _ in instructions(dockerfile)]
    last = max((number for number, name in enumerate(names) if name == "FROM"), default=0)
    return "RUN" in names[:last]


def binds(given: Steps) -> list[str]:
    """What steps see of the build host beside their image."""
    volumes = [":".join(volume.split(":")[:2]) for volume in given.volumes]
    if given.trust_folder:
        volumes.append(f"{given.trust_folder}:{TRUST}")
    if given.lock_folder:
        volumes.append(f"{given.lock_folder}:{lock.LOCK}")
    return volumes


def _entering() -> Sequence[str]:
    """What goes before a command that is not inside yet."""
    is_inside = "_CONTAINERS_ROOTLESS_UID" in os.environ
    return () if is_inside else one_user.enter(os.getuid(), os.getgid())
