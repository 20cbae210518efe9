"""What a build is asked for and what it answers: the border between worker and builder."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
)

from hpcbinderhub.images.bills.lock import Lock
from hpcbinderhub.images.bills.model import Bill

Cause = Literal[
    "no-solution",
    "package-not-found",
    "package-build",
    "tools-conflict",
    "hash-mismatch",
    "conda-unreachable",
    "network",
    "dockerfile",
    "postbuild",
    "repository",
    "no-space",
    "out-of-memory",
    "over-limit",
    "timeout",
    "internal",
]
"""Why a build failed; pages and statistics tell builds apart by it."""

Isolation = Literal["oci", "chroot"]
"""What keeps a step apart from its build: a container of its own, or its root folder alone."""

BuilderName = Literal["buildah", "ch-image", "docker"]
"""The tools that make images; `builders` has a class for each."""

IMAGE_REFERENCE = r"^[a-z0-9][A-Za-z0-9_.:/-]{0,254}(@sha256:[0-9a-f]{64})?$"

# Names that steer buildah itself or the loader of every process; a site sets mirrors and proxies
# for its build steps, nothing else.
RESERVED_VARIABLES = re.compile(
    r"^(PATH|HOME|TMPDIR|USER|SHELL|IFS|ENV|BASH_ENV|(_?CONTAINERS|BUILDAH|STORAGE|XDG|LD)_.*)$"
)


class Model(BaseModel):
    """Frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _absolute(path: Path) -> Path:
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError("must be an absolute path without '..'")
    return path


def _mount_point(path: str) -> str:
    pure = PurePosixPath(path)
    if not pure.is_absolute() or ".." in pure.parts or len(pure.parts) < 2 or "\0" in path:
        raise ValueError("must be an absolute path below / without '..'")
    return str(pure)


def _environment(values: Mapping[str, str]) -> dict[str, str]:
    for name, value in values.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"{name!r} is no name of an environment variable")
        if RESERVED_VARIABLES.match(name):
            raise ValueError(f"{name} steers the builder itself and cannot be set for build steps")
        if any(character in value for character in "\0\r\n"):
            raise ValueError(f"the value of {name} must be a single line")
    return dict(values)


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
MountPoint = Annotated[str, AfterValidator(_mount_point)]
ImageReference = Annotated[str, StringConstraints(pattern=IMAGE_REFERENCE)]
PYTHON = "3.11"
"""The Python of Debian bookworm, which base images are made from unless a site says otherwise."""
PythonVersion = Annotated[str, StringConstraints(pattern=r"^3\.[0-9]{1,3}$")]
BuildEnvironment = Annotated[dict[str, str], AfterValidator(_environment)]


class Storage(Model):
    """Where a builder keeps its images: node-local disk. One storage serves one build at a time."""

    graphroot: AbsolutePath
    runroot: AbsolutePath
    tmp: AbsolutePath

    @property
    def packages(self) -> Path:
        """Where it keeps the Python packages that its builds have asked for."""
        return self.graphroot.with_name(f"{self.graphroot.name}-packages")


class Limits(Model):
    """What one build may use."""

    seconds: float = Field(default=3600, gt=0)
    disk_bytes: int = Field(default=30 * 1024**3, gt=0)
    log_bytes: int = Field(default=8 * 1024**2, gt=0)
    memory_bytes: int = Field(default=8 * 1024**3, gt=0)
    processes: int = Field(default=4096, gt=0)


class Endpoint(Model):
    """A port of a host, by its name or IPv4 address."""

    host: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")
    ]
    port: int = Field(gt=0, lt=65536)


class Network(Model):
    """What a build reaches from a network namespace of its own."""

    mode: Literal["open", "listed", "none"] = "open"
    listed: tuple[Endpoint, ...] = Field(
        default=(), description="Reached in any mode but `none`, on the site's own networks too."
    )
    denied: tuple[IPv4Network, ...] = Field(
        default=(), description="Never reached, but for what is listed."
    )


class Confinement(Model):
    """What stands between a build and the rest of its host."""

    isolation: Isolation = "chroot"
    network: Network | None = Field(
        default=None, description="None: the host's own network, loopback and all."
    )
    cgroup: AbsolutePath | None = Field(
        default=None, description="A cgroup that is the builder's own to make others in."
    )
    hidden: tuple[AbsolutePath, ...] = Field(
        default=(), description="Files of the builder's account that no build has to see."
    )


class SiteOptions(Model):
    """What a site gives to every build step and what never becomes part of an image."""

    environment: BuildEnvironment = Field(
        default_factory=dict,
        description="Mirrors and proxies, e.g. PIP_INDEX_URL, UV_DEFAULT_INDEX, "
        "NPM_CONFIG_REGISTRY. Every build step can read them, and so can `ps`: no credentials.",
    )
    ca_bundle: AbsolutePath | None = Field(
        default=None, description="Certificates that build steps are to trust instead of their own."
    )


class BuildRequest(SiteOptions):
    """One build: the tree of one commit, what to build on, where to put the artefact."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    context: AbsolutePath
    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
    repo_url: Annotated[str, StringConstraints(max_length=2000)]
    ref: Annotated[str, StringConstraints(max_length=1000)]
    key: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$", max_length=128)]
    base_image: ImageReference
    python: PythonVersion = PYTHON
    other_pythons: dict[PythonVersion, ImageReference] = Field(
        default_factory=dict, description="The base images with other Pythons."
    )
    other_base_image: ImageReference = Field(
        default="docker.io/library/buildpack-deps:24.04",
        description="What repo2docker's own build packs (Conda, R, Julia, Nix) build on.",
    )
    tools_generation: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}$")]
    builder: BuilderName = "buildah"
    storage: Storage
    artefact_dir: AbsolutePath
    reader: int | None = Field(
        default=None, ge=0, description="The user id of whoever alone may run the artefact."
    )
    mount_points: tuple[MountPoint, ...] = ()
    limits: Limits = Limits()
    confinement: Confinement = Confinement()
    lock: Lock | None = Field(
        default=None, description="The versions that the environment is held to, if it is."
    )

    @property
    def pythons(self) -> dict[str, str]:
        """The base images by their Python, the usual one first."""
        return {self.python: self.base_image, **self.other_pythons}

    @property
    def image(self) -> str:
        """Name of the image in the builder's storage."""
        return f"localhost/hpcbinderhub/{self.key}:{self.tools_generation}"


class Artefact(Model):
    """The file that an engine runs."""

    path: Path
    sha256: str
    size: int


class Image(Model):
    """The image that the artefact was made from."""

    id: str
    env: dict[str, str]


class LogEvent(Model):
    """One line of the build's log."""

    phase: Literal["building", "converting"]
    message: str


class BuiltEvent(Model):
    """The end of a build that went well."""

    phase: Literal["built"] = "built"
    artefact: Artefact
    image: Image
    packages: tuple[str, ...] = ()
    """Names and versions of the Python packages where notebooks run."""
    bill: Bill
    seconds: dict[str, float] = Field(default_factory=dict)


class FailedEvent(Model):
    """The end of a build that did not: what is wrong, what to do, and the log lines that matter."""

    phase: Literal["failed"] = "failed"
    cause: Cause
    message: str
    advice: str
    lines: tuple[str, ...] = ()
    seconds: dict[str, float] = Field(default_factory=dict)


BuildEvent = Annotated[LogEvent | BuiltEvent | FailedEvent, Field(discriminator="phase")]
build_events: TypeAdapter[BuildEvent] = TypeAdapter(BuildEvent)
