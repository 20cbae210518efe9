"""The commands of rootless buildah as plain functions.

No call goes through a shell, and buildah sees no environment but the one made here.
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
from hpcbinderhub.builds.dockerfiles import with_build_arguments
from hpcbinderhub.builds.request import Storage
from hpcbinderhub.builds.steps import Steps
from hpcbinderhub.builds.storage import remove_temporary


def command(storage: Storage, *arguments: str) -> list[str]:
    """The full command line of one buildah command on one storage."""
    where = ["--root", str(storage.graphroot), "--runroot", str(storage.runroot)]
    return [*_entering(), "buildah", *where, "--storage-driver", "overlay", *arguments]


def inside(storage: Storage, *arguments: str) -> list[str]:
    """Any command in the builder's user namespace, as buildah has it."""
    entering = _entering()
    return [*entering, *arguments] if entering else command(storage, "unshare", *arguments)


def _entering() -> Sequence[str]:
    """What goes before buildah where it would make no user namespace that is of use."""
    outside = "_CONTAINERS_ROOTLESS_UID" not in os.environ and os.getuid() != 0
    return one_user.enter(os.getuid(), os.getgid()) if outside and has_one_user() else ()


def has_one_user() -> bool:
    """Whether the builder's account has a single user id."""
    return _real_uid() != 0 and one_user.needed(_real_uid())


def environment(storage: Storage, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """All that buildah gets to see of its surroundings."""
    inherited = {name: value for name, value in os.environ.items() if _rootless_state(name)}
    return {
        **(extra or {}),
        **inherited,
        "HOME": pwd.getpwuid(_real_uid()).pw_dir,
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": str(storage.tmp),
        "XDG_RUNTIME_DIR": str(storage.runroot),
        "STORAGE_DRIVER": "overlay",
    }


def _rootless_state(name: str) -> bool:
    """Whether a variable is how ``buildah unshare`` tells its children that they are inside."""
    return name.startswith("_CONTAINERS_")


def _real_uid() -> int:
    """The account's id outside of its user namespace, where everybody is root."""
    return int(os.environ.get("_CONTAINERS_ROOTLESS_UID", os.getuid()))


def stream(
    storage: Storage,
    *arguments: str,
    extra: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[str]:
    """Run a command and yield its lines, those of both streams in the order they came."""
    line, seen = command(storage, *arguments), environment(storage, extra)
    yield from tool.stream(line, seen, program="buildah", command=arguments[0], prefix=prefix)


def output(storage: Storage, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed."""
    line, seen = command(storage, *arguments), environment(storage, extra)
    return tool.output(line, seen, program="buildah", command=arguments[0])


def run(
    storage: Storage, container: str, *arguments: str, user: str, folder: str, given: Steps
) -> Iterator[str]:
    """Run a program in a working container."""
    options = ["--user", user, "--workingdir", folder, *given.options("--env")]
    command = ("run", *options, container, "--", *arguments)
    yield from stream(storage, *command, prefix=given.prefix())


def copy(
    storage: Storage,
    container: str,
    source: str,
    target: str,
    *,
    from_image: str | None,
    owner: str | None,
    ignorefile: Path | None,
) -> Iterator[str]:
    """Copy a folder of the build host or of another image into a working container."""
    options = ["--quiet"]
    if from_image is not None:
        options += ["--from", from_image]
    if owner is not None:
        options += ["--chown", owner]
    if ignorefile is not None:
        options += ["--ignorefile", str(ignorefile), "--contextdir", source]
    yield from stream(storage, "copy", *options, container, source, target)


def configure(
    storage: Storage,
    container: str,
    *,
    environment: Mapping[str, str],
    labels: Mapping[str, str],
    user: str | None,
) -> None:
    """Set variables, labels and the user of a working container."""
    options = ["--user", user] if user else []
    options += [f"--env={name}={value}" for name, value in environment.items()]
    options += [f"--label={name}={value}" for name, value in labels.items()]
    if options:
        output(storage, "config", *options, container)


def containers(storage: Storage) -> list[str]:
    """Names of the working containers of a storage."""
    listed = output(storage, "containers", "--json")
    return [entry["containername"] for entry in json.loads(listed or "[]") or []]


def images(storage: Storage) -> set[str]:
    """Names of all images of a storage."""
    listed = json.loads(output(storage, "images", "--json") or "[]") or []
    return {name for entry in listed for name in entry.get("names") or []}


def exists(storage: Storage, image: str) -> bool:
    """Whether an image is in the storage."""
    wanted = image if ":" in image.rsplit("/", 1)[-1] else f"{image}:latest"
    return wanted in images(storage)


def inspect(storage: Storage, image: str) -> dict[str, Any]:
    """What buildah knows about an image: ``FromImageID``, ``OCIv1`` and more."""
    found: dict[str, Any] = json.loads(output(storage, "inspect", "--type", "image", image))
    return found


def configuration(storage: Storage, image: str) -> dict[str, Any]:
    """The OCI configuration of an image: ``Env``, ``User``, ``WorkingDir`` and more."""
    config: dict[str, Any] = inspect(storage, image)["OCIv1"].get("config") or {}
    return config


def version(storage: Storage) -> str:
    """Buildah's own version."""
    return str(json.loads(output(storage, "version", "--json"))["version"])


def made_from(storage: Storage, container: str) -> dict[str, str]:
    """What a working container was made of: ``FromImage`` and ``FromImageDigest``."""
    found: dict[str, str] = json.loads(output(storage, "inspect", "--type", "container", container))
    return found


def container_configuration(storage: Storage, container: str) -> dict[str, Any]:
    """The OCI configuration that an image of a working container would have."""
    found = json.loads(output(storage, "inspect", "--type", "container", container))
    config: dict[str, Any] = found["OCIv1"].get("config") or {}
    return config


def origin(storage: Storage, container: str) -> str:
    """Name of the image that a working container was made from."""
    return output(
        storage, "inspect", "--type", "container", "--format", "{{.FromImage}}", container
    )


def from_image(storage: Storage, image: str, name: str) -> str:
    """Make a working container from an image that is already here."""
    return output(storage, "from", "--pull-never", "--name", name, image)


def mount(storage: Storage, container: str) -> Path:
    """Mount a working container; this must run inside the builder's user namespace."""
    return Path(output(storage, "mount", container))


def remove_container(storage: Storage, container: str) -> None:
    """Unmount and remove a working container."""
    output(storage, "rm", container)


def remove_image(storage: Storage, image: str) -> None:
    """Remove an image's name, and its layers when nothing else needs them."""
    output(storage, "rmi", image)


def remove_leftovers(storage: Storage, *, keep_tmp: Collection[str]) -> None:
    """Remove what a build left that was killed. The caller holds the storage's lock."""
    # All, since one that was killed while it was made is in the storage but not yet buildah's.
    left = output(storage, "containers", "--all", "--quiet", "--notruncate").split()
    if left:
        output(storage, "rm", *left)
    output(storage, "rmi", "--prune", "--force")
    remove_temporary(storage.tmp, keep_tmp)


def build(
    storage: Storage,
    *,
    context: Path,
    dockerfile: Path,
    tag: str,
    given: Steps,
    arguments: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    ignorefile: Path | None = None,
) -> Iterator[str]:
    """Build an image from a Dockerfile: all steps in one container, one commit at the end."""
    text = with_build_arguments(dockerfile.read_text("utf-8"), given.variables)
    with tempfile.TemporaryDirectory(dir=storage.tmp, prefix="dockerfile-") as folder:
        file = Path(folder, "Dockerfile")
        file.write_text(text, "utf-8")
        options = ["--layers=false", "--pull=ifmissing", "--format=oci"]
        options += ["--file", str(file), "--tag", tag]
        options += given.options("--build-arg")
        for name, value in (arguments or {}).items():
            options += ["--build-arg", f"{name}={value}"]
        for name, value in (labels or {}).items():
            options += ["--label", f"{name}={value}"]
        if ignorefile is not None:
            options += ["--ignorefile", str(ignorefile)]
        command = ("build", *options, str(context))
        extra, prefix = given.own_environment(), given.prefix()
        for line in stream(storage, *command, extra=extra, prefix=prefix):
            declared = re.fullmatch(r"(\[\d+/\d+\] )?STEP \d+/\d+: ARG (\w+)", line)
            if declared is None or declared[2] not in given.variables:
                yield line
