"""The commands of rootless buildah as plain functions.

No call goes through a shell, and buildah sees no environment but the one made here.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpcbinderhub.builds.request import SiteOptions, Storage
from hpcbinderhub.errors import UserError
from hpcbinderhub.images.bills import lock

TRUST = "/run/hpcbinder-trust"
"""Where build steps find the site's certificates; nothing below /run gets into an artefact."""

_BUNDLE_VARIABLES = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_CAFILE",
    "CONDA_SSL_VERIFY",
    "MAMBA_SSL_VERIFY",
    "NIX_SSL_CERT_FILE",
    "JULIA_SSL_CA_ROOTS_PATH",
)
TRUST_VARIABLES = {
    **dict.fromkeys(_BUNDLE_VARIABLES, f"{TRUST}/ca-bundle.crt"),
    "WGETRC": f"{TRUST}/wgetrc",
    "APT_CONFIG": f"{TRUST}/apt.conf",
}

UV_NAMES = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_TRUSTED_HOST": "UV_INSECURE_HOST",
    "PIP_DEFAULT_TIMEOUT": "UV_HTTP_TIMEOUT",
}

NETWORK_FILE_SYSTEMS = {
    "nfs", "nfs4", "lustre", "gpfs", "cifs", "smb3", "beegfs", "ceph", "fuse.ceph", "afs", "9p",
}  # fmt: skip


class BuildahError(Exception):
    """A buildah command failed; its last lines say why."""

    def __init__(self, command: Sequence[str], code: int, tail: Sequence[str]):
        super().__init__(f"buildah {command[0]} ended with {code}: " + "\n".join(tail[-3:]))
        self.code = code
        self.tail = tuple(tail)


@dataclass(frozen=True)
class Steps:
    """What every build step gets beside the Dockerfile, and no image keeps."""

    environment: Mapping[str, str] = field(default_factory=dict)
    trust_folder: Path | None = None
    volumes: tuple[str, ...] = ()
    lock_folder: Path | None = None
    """What a locked build is held to, as `lock.write` lays it out."""

    @property
    def variables(self) -> dict[str, str]:
        """What a build step finds in its environment; what the site says goes first."""
        trust = TRUST_VARIABLES if self.trust_folder else {}
        return {**trust, **self.environment, **(lock.VARIABLES if self.lock_folder else {})}

    def options(self, variable_option: str) -> list[str]:
        """Options that give all this to the steps of one buildah command."""
        options = [f"{variable_option}={name}={value}" for name, value in self.variables.items()]
        if self.trust_folder:
            options += ["--volume", f"{self.trust_folder}:{TRUST}:ro"]
        for volume in self.volumes:
            options += ["--volume", volume]
        if self.lock_folder:
            options += ["--volume", f"{self.lock_folder}:{lock.LOCK}:ro"]
        return options

    def own_environment(self) -> dict[str, str]:
        """What buildah itself gets of it, which pulls base images."""
        if self.trust_folder is None:
            return dict(self.environment)
        return {"SSL_CERT_FILE": str(self.trust_folder / "ca-bundle.crt"), **self.environment}


def command(storage: Storage, *arguments: str) -> list[str]:
    """The full command line of one buildah command on one storage."""
    where = ["--root", str(storage.graphroot), "--runroot", str(storage.runroot)]
    return ["buildah", *where, "--storage-driver", "overlay", *arguments]


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


def check_storage(storage: Storage, mounts: str | None = None) -> None:
    """Make a storage's folders; refuse one on a network file system, where layers do not work."""
    if os.getuid() == 0 and "_CONTAINERS_ROOTLESS_UID" not in os.environ:
        raise UserError(
            "The builder was started as root.", "Run it as the unprivileged builder account."
        )
    table = mounts if mounts is not None else Path("/proc/self/mountinfo").read_text("utf-8")
    for path in (storage.graphroot, storage.runroot, storage.tmp):
        kind = file_system(path, table)
        if kind in NETWORK_FILE_SYSTEMS:
            raise UserError(
                f"The builder's storage {path} is on a network file system ({kind}).",
                "Set it to a disk of the build host.",
            )
        path.mkdir(parents=True, exist_ok=True, mode=0o700)


def file_system(path: Path, mountinfo: str) -> str:
    """Type of the file system that holds a path, from the text of ``/proc/self/mountinfo``."""
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        mounted = Path(left.split()[4].replace("\\040", " "))
        if path.is_relative_to(mounted) and len(mounted.parts) >= best:
            best, kind = len(mounted.parts), right.split()[0]
    return kind


def stream(
    storage: Storage, *arguments: str, extra: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run a command and yield its lines, those of both streams in the order they came."""
    process = subprocess.Popen(
        command(storage, *arguments),
        env=environment(storage, extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    tail: list[str] = []
    with process, process.stdout:
        for line in process.stdout:
            line = line.rstrip("\n")
            if re.fullmatch(r"subprocess exited with status \d+", line):
                continue  # Said twice for every failure, and then once more in other words.
            tail = [*tail[-19:], line]
            yield line
    if process.returncode != 0:
        raise BuildahError(arguments, process.returncode, tail)


def output(storage: Storage, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed."""
    done = subprocess.run(
        command(storage, *arguments),
        env=environment(storage, extra),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        raise BuildahError(arguments, done.returncode, done.stderr.splitlines())
    return done.stdout.strip()


def run(
    storage: Storage, container: str, *arguments: str, user: str, folder: str, given: Steps
) -> Iterator[str]:
    """Run a program in a working container."""
    options = ["--isolation=chroot", "--user", user, "--workingdir", folder]
    options += given.options("--env")
    yield from stream(storage, "run", *options, container, "--", *arguments)


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


def annotate(storage: Storage, container: str, annotations: Mapping[str, str]) -> None:
    """Say something in the manifest of whatever image is made of a working container."""
    options = [f"--annotation={name}={value}" for name, value in annotations.items()]
    output(storage, "config", *options, container)


def commit(storage: Storage, container: str, image: str) -> None:
    """Make an image of a working container."""
    output(storage, "commit", "--quiet", "--format=oci", container, image)


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
    for path in storage.tmp.iterdir():
        if path.name in keep_tmp:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def push(
    storage: Storage,
    image: str,
    ref: str,
    *,
    authfile: Path | None,
    tls_verify: bool,
    digestfile: Path,
) -> Iterator[str]:
    """Push an image to a registry; its digest there goes into a file."""
    options = [f"--tls-verify={'true' if tls_verify else 'false'}"]
    options += ["--digestfile", str(digestfile)]
    if authfile is not None:
        options += ["--authfile", str(authfile)]
    yield from stream(storage, "push", *options, image, f"docker://{ref}")


def with_build_arguments(dockerfile: str, names: Iterable[str]) -> str:
    """Declare build arguments in every stage of a Dockerfile.

    An argument is what reaches a build step as a variable and yet does not become part of the
    image; a variable of the Dockerfile's own goes before it.
    """
    declared = [f"ARG {name}" for name in names]
    escape = _escape_character(dockerfile)
    lines: list[str] = []
    continued = in_from = False
    for line in dockerfile.splitlines():
        lines.append(line)
        text = line.strip()
        if text.startswith("#") or (continued and not text):
            continue
        if not continued:
            in_from = bool(re.match(r"FROM\s", text, re.IGNORECASE))
        continued = text.endswith(escape)
        if in_from and not continued:
            lines += declared
            in_from = False
    return "\n".join(lines) + "\n"


def _escape_character(dockerfile: str) -> str:
    """The character that continues a line, which a directive at the very top may change."""
    for line in dockerfile.splitlines():
        directive = re.match(r"#\s*(\w+)\s*=\s*(\S+)\s*$", line.strip())
        if directive is None:
            break
        if directive[1].lower() == "escape":
            return directive[2]
    return "\\"


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
        options = ["--isolation=chroot", "--layers=false", "--pull=ifmissing", "--format=oci"]
        options += ["--file", str(file), "--tag", tag]
        options += given.options("--build-arg")
        for name, value in (arguments or {}).items():
            options += ["--build-arg", f"{name}={value}"]
        for name, value in (labels or {}).items():
            options += ["--label", f"{name}={value}"]
        if ignorefile is not None:
            options += ["--ignorefile", str(ignorefile)]
        extra = given.own_environment()
        for line in stream(storage, "build", *options, str(context), extra=extra):
            declared = re.fullmatch(r"(\[\d+/\d+\] )?STEP \d+/\d+: ARG (\w+)", line)
            if declared is None or declared[2] not in given.variables:
                yield line


def steps_for(site: SiteOptions, folder: Path) -> Steps:
    """The site's options as build steps get them; certificates are laid out in ``folder``."""
    if site.ca_bundle is None:
        return Steps(environment=for_uv(site.environment))
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(site.ca_bundle, folder / "ca-bundle.crt")
    (folder / "wgetrc").write_text(f"ca_certificate = {TRUST}/ca-bundle.crt\n", "utf-8")
    (folder / "apt.conf").write_text(f'Acquire::https::CaInfo "{TRUST}/ca-bundle.crt";\n', "utf-8")
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return Steps(environment=for_uv(site.environment), trust_folder=folder)


def for_uv(variables: Mapping[str, str]) -> dict[str, str]:
    """A site's options for pip, told to uv as well, which does not read pip's."""
    told = {uv: variables[pip] for pip, uv in UV_NAMES.items() if pip in variables}
    return {**told, **variables}
