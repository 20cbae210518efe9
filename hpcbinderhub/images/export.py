"""An artefact and its repository as an OCI archive, which runs under plain Podman or Docker.

The first layer is the artefact's tree; the second is a clone of the repository where the image has
its own copy, and the program that starts JupyterLab there. What a site's engine, start command and
hub do besides (workspaces, accounts, certificates) has no meaning on a laptop.
"""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..workspaces import slug
from .as_layer import add_tree
from .bills.annotations import annotations_of
from .bills.cyclonedx import moment
from .bills.model import Bill
from .oci import Layout
from .world import World, variables

USER = 1000
HOME = "/srv/home"
PORT = 8888
"""Jupyter's own."""

START = "/srv/hpcbinder/export/start"
START_SCRIPT = """\
#!/bin/sh
# What the image's profile sets is added, as in a login shell, but the image's PATH goes first.
path=$PATH
[ -r /etc/profile ] && . /etc/profile
export PATH="$path:$PATH"
kernels=--ServerApp.kernel_spec_manager_class=hpcbinder.kernelspecs.KernelSpecs
exec {start}/srv/hpcbinder/bin/python3 -I -m jupyterlab --ip=0.0.0.0 --no-browser "$kernels" "$@"
"""


@dataclass(frozen=True)
class Source:
    """What an image was made of."""

    repo_url: str
    commit: str
    made: float
    bill: Bill | None = None
    """What the image is made of, if that was recorded."""

    @property
    def name(self) -> str:
        """What Podman calls the image."""
        tail = self.repo_url.rstrip("/").removesuffix(".git").rsplit("/", 1)[-1]
        return f"localhost/hpcbinderhub/{slug(tail)}:{self.commit[:12]}"


def export(artefact: Path, bundle: Path, source: Source, target: Path) -> None:
    """Write the archive. `bundle` holds the repository's commit and its history."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as folder:
        layout = Layout(Path(folder, "layout"))
        record, architecture = add_tree(layout, artefact, _owned)
        clone = Path(folder, "clone")
        _clone(bundle, clone, source)
        _add_content(layout, clone, record)
        said = annotations_of(source.bill) if source.bill else {}
        created = moment(source.made)
        layout.finish(source.name, architecture, created, _config(record, source), said)
        layout.pack(target)


def _config(record: dict[str, Any], source: Source) -> dict[str, Any]:
    world = World.model_validate(record["world"])
    environment = {**record["env"], **variables(world), "HOME": HOME}
    return {
        "User": f"{USER}:{USER}",
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Entrypoint": [START],
        "WorkingDir": record["repo_dir"],
        "ExposedPorts": {f"{PORT}/tcp": {}},
        "Labels": {
            "org.opencontainers.image.source": source.repo_url,
            "org.opencontainers.image.revision": source.commit,
        },
    }


# -- the layers ------------------------------------------------------------------------------------


def _owned(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """In the store everything is root's, since each site's users are other ones."""
    inside = f"/{info.name}/".startswith((f"{HOME}/", "/srv/repo/"))
    return _users(info) if inside else info


def _users(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = USER
    info.uname = info.gname = ""
    info.mode |= 0o200
    return info


def _add_content(layout: Layout, clone: Path, record: dict[str, Any]) -> None:
    """The repository, in the place of the copy that the build worked on, and the start program."""
    start = f"{shlex.quote(record['start'])} " if record["start"] else ""
    script = START_SCRIPT.format(start=start).encode()
    with layout.layer() as layer:
        layer.add(clone, record["repo_dir"].lstrip("/"), filter=_users)
        info = tarfile.TarInfo(START.lstrip("/"))
        info.mode, info.size = 0o755, len(script)
        layer.addfile(info, io.BytesIO(script))


def _clone(bundle: Path, target: Path, source: Source) -> None:
    """A clone as if it came from the repository's own address."""
    head = _git("bundle", "list-heads", str(bundle)).split("\n")[0]
    branch = head.partition("refs/heads/")[2]
    _git("clone", "--quiet", f"--branch={branch}", "--", str(bundle), str(target))
    _git("-C", str(target), "remote", "set-url", "origin", source.repo_url)


def _git(*arguments: str) -> str:
    """Git without anybody's configuration, since the repository is a stranger's."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
    }
    try:
        done = subprocess.run(
            ["git", "-c", "core.hooksPath=/dev/null", *arguments],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise UserError("There is no `git` on this machine.", "Install it.") from None
    if done.returncode != 0:
        raise UserError(
            "The repository could not be put into the archive.",
            "Try again; if it goes on, tell your facility.",
            detail=done.stderr.strip()[-600:],
        )
    return done.stdout
