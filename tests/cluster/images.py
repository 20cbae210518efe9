"""The images of the cluster: Debian, pulled or made from its packages, and two on top of it."""

from __future__ import annotations

import configparser
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from .engine import ClusterError, docker, docker_command, last_lines

PROJECT = Path(__file__).resolve().parents[2]
CONTAINERS = Path(__file__).resolve().parent / "containers"
BASE_IMAGE = "hpcbinderhub-test/debian:bookworm"
IMAGES = ("slurm", "hub")
INPUTS_LABEL = "hpcbinderhub.inputs"
SYSTEM_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
# Mounted into the hub from the project and not part of its image: changing them needs no build.
NOT_IN_IMAGE = {"run-hub.sh", "run-worker.sh"}


def image_id(tag: str) -> str | None:
    done = docker("image", "inspect", "--format", "{{.Id}}", tag, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def ca_bundle() -> Path | None:
    chosen = os.environ.get("HPCBINDERHUB_CA_BUNDLE")
    if chosen:
        if not Path(chosen).is_file():
            raise ClusterError(
                f"HPCBINDERHUB_CA_BUNDLE names no file: {chosen}", "Correct it, or unset it."
            )
        return Path(chosen)
    return SYSTEM_CA_BUNDLE if SYSTEM_CA_BUNDLE.is_file() else None


def build_base() -> str:
    """Have Debian as an image: from a registry or, where none answers, from its packages."""
    present = image_id(BASE_IMAGE)
    if present:
        return present
    try:
        docker("pull", "-q", "debian:bookworm", timeout=90)
        docker("tag", "debian:bookworm", BASE_IMAGE)
    except (ClusterError, subprocess.TimeoutExpired):
        _debootstrap()
    made = image_id(BASE_IMAGE)
    assert made is not None
    return made


def _debootstrap() -> None:
    if shutil.which("mmdebstrap") is None:
        raise ClusterError(
            "The image debian:bookworm cannot be pulled, "
            "and mmdebstrap, which could make it, is not installed.",
            "Install mmdebstrap, or see that Docker reaches a registry.",
        )
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("man", "doc", "locale")]
    # Unless told from where, it takes Debian's own archive, with its updates and security fixes.
    command += ["bookworm", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as make:
        docker(
            "import", "--change", 'CMD ["bash"]', "-", BASE_IMAGE, stdin=make.stdout, timeout=600
        )
        assert make.stderr is not None
        words = make.stderr.read().decode(errors="replace")
    if make.returncode != 0:
        docker("rmi", BASE_IMAGE, check=False)
        raise ClusterError(
            f"mmdebstrap failed: {last_lines(words)}",
            "See that Debian's archive is reached over http.",
        )


def project_requirements() -> bytes:
    """What the project needs: installed with the image, the project itself at each start."""
    setup = configparser.ConfigParser()
    setup.read(PROJECT / "setup.cfg")
    return setup["options"]["install_requires"].lstrip().encode() + b"\n"


def build_context(name: str) -> dict[str, bytes]:
    """Everything that goes into an image, by path."""
    folder = CONTAINERS / name
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in NOT_IN_IMAGE
    }
    if name == "hub":
        files["project-requirements.txt"] = project_requirements()
    settings = os.environ.get("HPCBINDERHUB_BUILD_ENV", "").split()
    files["build.env"] = "".join(f"{setting}\n" for setting in settings).encode()
    return files


def build_image(name: str, base_id: str) -> bool:
    """Build one image unless the present one has the same inputs. True if it was built."""
    files = build_context(name)
    digest = hashlib.sha256(base_id.encode())
    for path, content in files.items():
        digest.update(f"\n{path} {len(content)}\n".encode() + content)
    inputs = digest.hexdigest()

    tag = f"hpcbinderhub-test/{name}"
    label = f'{{{{index .Config.Labels "{INPUTS_LABEL}"}}}}'
    if docker("image", "inspect", "--format", label, tag, check=False).stdout.strip() == inputs:
        return False

    # Not part of the hash: a renewed bundle does not change what is installed.
    bundle = ca_bundle()
    files["build-ca.crt"] = bundle.read_bytes() if bundle else b""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            member.mode = 0o644
            tar.addfile(member, io.BytesIO(content))

    command = [
        # The classic builder is on every machine that has Docker; buildx is not.
        *docker_command(DOCKER_BUILDKIT="0"),
        "build",
        "--tag",
        tag,
        "--label",
        f"{INPUTS_LABEL}={inputs}",
        "--build-arg",
        f"BASE={BASE_IMAGE}",
    ]
    for proxy in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        if proxy in os.environ:
            command += ["--build-arg", f"{proxy}={os.environ[proxy]}"]
    done = subprocess.run(
        [*command, "-"],
        input=context.getvalue(),
        capture_output=True,
        timeout=1500,
        check=False,
    )
    if done.returncode != 0:
        words = (done.stdout + done.stderr).decode(errors="replace")
        raise ClusterError(
            f"building {tag} failed: {last_lines(words, 25)}",
            "If a package index was not reached or not trusted, "
            "set HPCBINDERHUB_CA_BUNDLE or HPCBINDERHUB_BUILD_ENV.",
        )
    return True


def remove_images() -> str:
    """Remove what `build` made, but for what another cluster runs on."""
    tags = [f"hpcbinderhub-test/{name}" for name in IMAGES]
    docker("rmi", *tags, check=False)
    if any(image_id(tag) for tag in tags):
        return "kept: another cluster uses them"
    docker("rmi", BASE_IMAGE, check=False)
    return "removed"
