"""What the cluster's Git server and registry hold."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from . import probes
from .engine import ClusterError, docker, docker_command, last_lines
from .images import BASE_IMAGE, image_id

if TYPE_CHECKING:
    from .cluster import Cluster


def publish(cluster: Cluster, directories: dict[str, Path]) -> dict[str, str]:
    if not directories:
        return {}
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, directory in directories.items():
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
                raise ClusterError(
                    f"{name!r} cannot be a repository's name.",
                    "Use letters, digits, '.', '_' and '-'.",
                )
            tar.add(directory, arcname=name, filter=_published)
    done = subprocess.run(
        [
            *docker_command(),
            "exec",
            "-i",
            cluster.container("git"),
            "/usr/local/lib/cluster/publish.sh",
        ],
        input=content.getvalue(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise ClusterError(f"publishing failed: {last_lines(done.stderr.decode(errors='replace'))}")
    return dict(line.split() for line in done.stdout.decode().splitlines())


def seed_registry(cluster: Cluster) -> str:
    """Put Debian into the cluster's registry: `FROM debian:bookworm` needs no internet."""
    cluster.wait("registry", 180, probes.registry_answers)
    image = image_id(BASE_IMAGE)
    assert image is not None
    # A second tag says which image it is, so that it is pushed once.
    repository, mark = (
        "registry:5000/library/debian",
        "base-" + image.removeprefix("sha256:")[:12],
    )
    if not probes.answer(
        cluster,
        "hub",
        "curl",
        "-fsSI",
        "-m",
        "5",
        f"http://registry:5000/v2/library/debian/manifests/{mark}",
    ):
        return "debian:bookworm present"
    copy = "skopeo copy -q --src-tls-verify=false --dest-tls-verify=false"
    # By way of a file, since skopeo reads an archive more than once.
    script = f"""
        set -e
        archive=$(mktemp -p /var/lib/hpcbinderhub)
        trap 'rm -f "$archive"' EXIT
        cat > "$archive"
        {copy} --dest-compress-format gzip --dest-compress-level 1 docker-archive:"$archive" docker://{repository}:bookworm
        {copy} docker://{repository}:bookworm docker://{repository}:{mark}
    """
    with subprocess.Popen([*docker_command(), "save", BASE_IMAGE], stdout=subprocess.PIPE) as save:
        docker(
            "exec",
            "-i",
            cluster.container("hub"),
            "sh",
            "-c",
            script,
            stdin=save.stdout,
            timeout=170,
        )
    return "debian:bookworm pushed"


def _published(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if Path(member.name).name in (".git", "__pycache__", ".ipynb_checkpoints"):
        return None
    return member
