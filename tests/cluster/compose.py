"""The containerised Slurm cluster: its images, its start, its end.

    python -m tests.cluster.compose up | down | build | status
    python -m tests.cluster.compose exec SERVICE CMD... | logs [SERVICE] | publish NAME DIRECTORY

Needs Python and Docker with either `docker compose` or `docker-compose`. The environment may set:

COMPOSE_PROJECT_NAME    the name under which containers and volumes are kept; another name is
                        another cluster
HPCBINDERHUB_PORT       the port on 127.0.0.1 at which the hub is published
HPCBINDERHUB_CA_BUNDLE  the CA bundle with which package indexes are trusted, while the hub's image
                        is built and by builds that run inside the hub (default: this machine's
                        own, where it has one)
HPCBINDERHUB_BUILD_ENV  settings for pip and npm in the same two places, `NAME=VALUE` separated by
                        spaces, such as `PIP_INDEX_URL=https://pypi.example.org/simple`
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.test.yml"
CONTAINERS = Path(__file__).resolve().parent / "containers"
EXAMPLES = ROOT / "share" / "examples"

SERVICES = (
    "db",
    "slurmdbd",
    "slurmctld",
    "c1",
    "c2",
    "c3",
    "login",
    "registry",
    "git",
    "imagegw",
    "hub",
)
COMPUTE_NODES = ("c1", "c2", "c3")
BASE_IMAGE = "hpcbinderhub-test/debian:bookworm"
IMAGES = ("slurm", "hub")
INPUTS_LABEL = "hpcbinderhub.inputs"
SYSTEM_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
DOCKERD_LOG = Path("/var/log/hpcbinderhub-dockerd.log")
# Mounted into the hub from the project and not part of its image: changing them needs no build.
NOT_IN_IMAGE = {"run-hub.sh", "run-worker.sh"}


class ClusterError(Exception):
    """Something a person has to mend: what went wrong, and what to do."""

    def __init__(self, what: str, do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.do = do


class _Hopeless(Exception):
    """Raised by a probe: waiting longer will not help."""


# --- Docker ---------------------------------------------------------------------------------------


def docker(
    *args: str, timeout: float = 60, check: bool = True, **options: object
) -> subprocess.CompletedProcess[str]:
    """Run one docker command and return its output as text."""
    done: subprocess.CompletedProcess[str] = subprocess.run(  # type: ignore[call-overload]
        ["docker", *args], text=True, capture_output=True, timeout=timeout, check=False, **options
    )
    if check and done.returncode != 0:
        raise ClusterError(f"docker {args[0]} failed: {last_lines(done.stderr or done.stdout)}")
    return done


def last_lines(text: str, count: int = 15) -> str:
    lines = text.strip().splitlines()
    return "\n    ".join(lines[-count:])


def ensure_docker() -> None:
    """See that a Docker daemon answers; start one if we may."""
    if shutil.which("docker") is None:
        raise ClusterError(
            "Docker is not installed.", "Install it (Debian and Ubuntu: apt-get install docker.io)."
        )
    if _docker_answers():
        return
    if os.geteuid() != 0:
        raise ClusterError(
            "No Docker daemon answers you.",
            "Start it (systemctl start docker), and see that you are in the group docker.",
        )
    if Path("/run/systemd/system").is_dir():
        subprocess.run(
            ["systemctl", "start", "docker"], check=False, capture_output=True, timeout=60
        )
    elif shutil.which("dockerd") is None:
        raise ClusterError(
            "No Docker daemon runs, and dockerd is not installed.", "Install docker.io."
        )
    else:
        with DOCKERD_LOG.open("ab") as log:
            subprocess.Popen(
                ["dockerd"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    deadline = time.monotonic() + 60
    while not _docker_answers():
        if time.monotonic() > deadline:
            raise ClusterError(
                "The Docker daemon was started but does not answer within 60 s.",
                f"Read {DOCKERD_LOG} (or: journalctl -u docker).",
            )
        time.sleep(0.3)


def _docker_answers() -> bool:
    try:
        return (
            docker("version", "--format", "{{.Server.Version}}", check=False, timeout=15).returncode
            == 0
        )
    except subprocess.TimeoutExpired:
        return False


def check_host() -> None:
    """Refuse early where the kernel lacks what ordinary users need inside the containers."""
    if not Path("/dev/fuse").exists():
        raise ClusterError("This machine has no /dev/fuse.", "As root: modprobe fuse")
    for path, bad, command in (
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
    ):
        if Path(path).exists() and Path(path).read_text().strip() == bad:
            raise ClusterError(
                "This machine forbids ordinary users their own user namespaces, "
                "which the builder and the engine need.",
                f"As root: sysctl -w {command}",
            )


def compose_command() -> list[str]:
    """`docker compose` where there is one, else `docker-compose`."""
    if docker("compose", "version", check=False).returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    raise ClusterError(
        "Neither `docker compose` nor `docker-compose` is installed.",
        "Install one (Debian and Ubuntu: apt-get install docker-compose).",
    )


# --- Images ---------------------------------------------------------------------------------------


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
    mirror = "deb http://deb.debian.org"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("man", "doc", "locale")]
    command += [
        "bookworm",
        "-",
        f"{mirror}/debian bookworm main",
        f"{mirror}/debian bookworm-updates main",
    ]
    command += [f"{mirror}/debian-security bookworm-security main"]
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
            "See that deb.debian.org is reached over http.",
        )


def build_context(name: str) -> dict[str, bytes]:
    """Everything that goes into an image, by path."""
    folder = CONTAINERS / name
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in NOT_IN_IMAGE
    }
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
        "docker",
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
            command += ["--build-arg", proxy]
    # The classic builder is on every machine that has Docker; buildx is not.
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(
        [*command, "-"],
        input=context.getvalue(),
        capture_output=True,
        env=environment,
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


# --- The cluster ----------------------------------------------------------------------------------


@dataclass
class Cluster:
    """One cluster, named by its project; several may run side by side on different ports."""

    project: str = "hpcbinderhub"
    port: int = 8000

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self.project,
            "HPCBINDERHUB_PORT": str(self.port),
            "HPCBINDERHUB_CA_BUNDLE": str(ca_bundle() or "/dev/null"),
        }

    # What a person or a test does with it

    def build(self) -> None:
        """Make or renew the images."""
        with step("docker"):
            ensure_docker()
            check_host()
        with step("image debian") as note:
            had = image_id(BASE_IMAGE)
            base = build_base()
            note(f"{'present' if had else 'made'}")
        for name in IMAGES:
            with step(f"image {name}") as note:
                note("built" if build_image(name, base) else "unchanged")

    def up(self, hub: bool = True) -> None:
        """Bring everything up and wait until it works; without `hub`, not for JupyterHub."""
        began = time.monotonic()
        self.build()
        with step("containers"):
            self.compose("up", "-d", timeout=180)
        with ThreadPoolExecutor(1) as background:
            seeding = background.submit(self._seed_registry)
            with step("git server"):
                self.wait("git", 30, self._git_answers)
            with step("examples") as note:
                note(f"{len(self.publish_examples())} published")
            with step("ssh"):
                self.wait("login", 60, self._sshd_answers)
            with step("accounting"):
                self.wait("slurmctld", 90, self._accounts_exist)
            with step("nodes") as note:
                self.wait("slurmctld", 60, self._nodes_ready)
                note(
                    "cgroups: " + self.run("c1", "cat", "/run/hpcbinderhub/cgroups").stdout.strip()
                )
            with step("registry") as note:
                note(seeding.result(timeout=180))
        with step("hub services") as note:
            self.wait("hub", 90, self._supervisor_answers)
            note("project " + self.refresh_project())
        if hub:
            with step("hub"):
                self.wait("hub", 90, self._hub_answers)
        print(
            f"up after {time.monotonic() - began:.1f} s: http://127.0.0.1:{self.port}", flush=True
        )

    def down(self, images: bool = False) -> None:
        """Remove containers, volumes and the network; with `images`, the images too."""
        ensure_docker()
        with step("down"):
            self.compose("down", "--volumes", "--remove-orphans", "--timeout", "1", timeout=180)
        if images:
            with step("images") as note:
                note(remove_images())

    def run(
        self,
        service: str,
        *command: str,
        user: str = "",
        input: str | None = None,
        check: bool = True,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's container, as root or as `user`."""
        args = (
            ["exec"]
            + (["--interactive"] if input is not None else [])
            + (["--user", user] if user else [])
        )
        # Docker sets neither USER nor a user's HOME by itself.
        args += ["--env", f"USER={user}", "--workdir", "/"] if user else []
        done = docker(
            *args, self.container(service), *command, check=False, timeout=timeout, input=input
        )
        if check and done.returncode != 0:
            raise ClusterError(
                f"{' '.join(command)} on {service} failed: {last_lines(done.stderr or done.stdout)}"
            )
        return done

    def publish(self, name: str, directory: Path | str) -> str:
        """Serve a directory as http://git/NAME.git, with one commit; returns the commit."""
        return self._publish({name: Path(directory)})[name]

    def publish_examples(self) -> dict[str, str]:
        """Publish every directory under share/examples; returns each one's commit."""
        found = sorted(EXAMPLES.iterdir()) if EXAMPLES.is_dir() else []
        return self._publish({path.name: path for path in found if path.is_dir()})

    def refresh_project(self) -> str:
        """Install the project into the hub if it changed; then, or if it gave up, restart it."""
        result = self.run("hub", "/usr/local/libexec/install-project", timeout=120).stdout.strip()
        if (
            result == "installed"
            or "FATAL" in self.run("hub", "supervisorctl", "status", check=False).stdout
        ):
            self.run("hub", "supervisorctl", "restart", "hub", "worker", timeout=90, check=False)
        return result

    # Docker and compose

    def compose(self, *args: str, timeout: float) -> None:
        done = subprocess.run(
            [*compose_command(), "-f", str(COMPOSE_FILE), "-p", self.project, *args],
            env=self.environment,
            cwd=ROOT,
            text=True,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode == 0:
            return
        do = f"See: docker ps -a; the project's name is {self.project}."
        if "port is already allocated" in done.stderr or "address already in use" in done.stderr:
            do = f"Port {self.port} is taken: choose another with --port or HPCBINDERHUB_PORT."
        raise ClusterError(f"compose {args[0]} failed: {last_lines(done.stderr)}", do)

    def containers(self) -> dict[str, tuple[str, str]]:
        """Each service's container id and state."""
        label = "com.docker.compose"
        form = f'{{{{.Label "{label}.service"}}}}\t{{{{.ID}}}}\t{{{{.Status}}}}'
        listing = docker(
            "ps", "-a", "--filter", f"label={label}.project={self.project}", "--format", form
        ).stdout
        rows = (line.split("\t") for line in listing.splitlines())
        return {service: (container, state) for service, container, state in rows}

    def container(self, service: str) -> str:
        if service not in SERVICES:
            raise ClusterError(
                f"There is no service {service!r}.", f"One of: {', '.join(SERVICES)}"
            )
        found = self.containers().get(service)
        if found is None:
            raise ClusterError(
                f"The cluster {self.project} is not up.", "python -m tests.cluster.compose up"
            )
        return found[0]

    # Waiting

    def wait(self, service: str, seconds: float, probe: Callable[[], str]) -> None:
        """Wait until `probe` names nothing missing; give up early if a container has ended."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                missing = probe()
            except _Hopeless as problem:
                raise self._failure(service, str(problem)) from None
            except (ClusterError, subprocess.TimeoutExpired) as problem:
                missing = str(problem)
            if not missing:
                return
            ended = [
                name
                for name, (_, state) in self.containers().items()
                if state.startswith(("Exited", "Dead"))
            ]
            if ended:
                raise self._failure(ended[0], f"the container {ended[0]} ended")
            if time.monotonic() > deadline:
                raise self._failure(service, f"not ready after {seconds:.0f} s: {missing}")
            time.sleep(0.2)

    def _failure(self, service: str, what: str) -> ClusterError:
        logs = docker("logs", "--tail", "15", self.container(service), check=False)
        words = last_lines(logs.stdout + logs.stderr)
        return ClusterError(
            f"{what}\n  the last words of {service}:\n    {words}",
            f"Read more with `logs {service}`; "
            f"start afresh with `down`, then `up` (-p {self.project}).",
        )

    def _ok(self, service: str, *command: str) -> str:
        done = self.run(service, *command, check=False, timeout=15)
        return (
            "" if done.returncode == 0 else last_lines(done.stderr or done.stdout or "no answer", 3)
        )

    def _git_answers(self) -> str:
        return self._ok("git", "bash", "-c", "exec 3<>/dev/tcp/git/80")

    def _sshd_answers(self) -> str:
        return self._ok(
            "hub", "bash", "-c", "read -t 5 -r banner < /dev/tcp/login/22 && [[ $banner == SSH-* ]]"
        )

    def _registry_answers(self) -> str:
        return self._ok(
            "hub", "curl", "-fsS", "-m", "5", "-o", "/dev/null", "http://registry:5000/v2/"
        )

    def _supervisor_answers(self) -> str:
        return self._ok("hub", "supervisorctl", "pid")

    def _accounts_exist(self) -> str:
        users = self.run(
            "slurmctld",
            "sacctmgr",
            "-n",
            "-P",
            "show",
            "user",
            "hpcwatch",
            "format=User",
            timeout=15,
        ).stdout
        return "" if users.strip() == "hpcwatch" else "the Slurm accounts are not there yet"

    def _nodes_ready(self) -> str:
        lines = self.run(
            "login", "sinfo", "-h", "-N", "-o", "%N %T", timeout=15
        ).stdout.splitlines()
        states = dict(line.split() for line in lines)
        # A trailing mark, such as idle*, says that the node does not answer.
        waiting = [
            node
            for node in COMPUTE_NODES
            if states.get(node) not in ("idle", "mixed", "allocated", "completing")
        ]
        return ", ".join(f"{node} is {states.get(node, 'unknown')}" for node in waiting)

    def _hub_answers(self) -> str:
        if "FATAL" in self.run("hub", "supervisorctl", "status", "hub", check=False).stdout:
            raise _Hopeless("JupyterHub ended again and again")
        # JupyterHub itself first, so that the proxy does not fill the log with complaints about it.
        # Then through the TLS front and the proxy: all three must work.
        if missing := self._ok(
            "hub", "curl", "-fsS", "-m", "5", "http://127.0.0.1:8081/hub/health"
        ):
            return missing
        return self._ok(
            "hub",
            "curl",
            "-fsS",
            "-m",
            "5",
            "--cacert",
            "/trust/ca.pem",
            "https://hub:8443/hub/health",
        )

    # Contents

    def _publish(self, directories: dict[str, Path]) -> dict[str, str]:
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
            ["docker", "exec", "-i", self.container("git"), "/usr/local/lib/cluster/publish.sh"],
            input=content.getvalue(),
            capture_output=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            raise ClusterError(
                f"publishing failed: {last_lines(done.stderr.decode(errors='replace'))}"
            )
        return dict(line.split() for line in done.stdout.decode().splitlines())

    def _seed_registry(self) -> str:
        """Put Debian into the cluster's registry: `FROM debian:bookworm` needs no internet."""
        self.wait("registry", 60, self._registry_answers)
        image = image_id(BASE_IMAGE)
        assert image is not None
        # A second tag says which image it is, so that it is pushed once.
        repository, mark = (
            "registry:5000/library/debian",
            "base-" + image.removeprefix("sha256:")[:12],
        )
        if not self._ok(
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
        with subprocess.Popen(["docker", "save", BASE_IMAGE], stdout=subprocess.PIPE) as save:
            docker(
                "exec",
                "-i",
                self.container("hub"),
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


# --- The command ----------------------------------------------------------------------------------


@contextmanager
def step(name: str) -> Iterator[Callable[[str], None]]:
    """Print one line about a step (name, seconds, note); an error in it gets its name."""
    notes: list[str] = []
    began = time.monotonic()
    try:
        yield notes.append
    except subprocess.TimeoutExpired as problem:
        command = " ".join(map(str, problem.cmd))[:200]
        raise ClusterError(
            f"{name}: no end after {problem.timeout:.0f} s: {command}", "Try again; see `status`."
        ) from None
    except ClusterError as problem:
        raise ClusterError(f"{name}: {problem.what}", problem.do) from None
    print(f"{name:<16}{time.monotonic() - began:6.1f} s  {' '.join(notes)}".rstrip(), flush=True)


def show_status(cluster: Cluster) -> None:
    ensure_docker()
    found = cluster.containers()
    for service in SERVICES:
        container, state = found.get(service, ("-", "absent"))
        print(f"{service:<12}{container:<14}{state}")
    if found:
        for service, command in (
            ("login", ("sinfo", "-N", "-o", "%N %P %T")),
            ("hub", ("supervisorctl", "status")),
        ):
            done = cluster.run(service, *command, check=False)
            print((done.stdout or done.stderr).rstrip())


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster.compose", description="The containerised Slurm cluster."
    )
    parser.add_argument(
        "-p", "--project", default=os.environ.get("COMPOSE_PROJECT_NAME", "hpcbinderhub")
    )
    parser.add_argument(
        "--port", type=int, default=int(os.environ.get("HPCBINDERHUB_PORT", "8000"))
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="build what changed, start everything, wait until it works")
    up.add_argument("--no-hub", action="store_true", help="do not wait for JupyterHub itself")
    down = commands.add_parser("down", help="remove containers, volumes and the network")
    down.add_argument("--images", action="store_true", help="and the images")
    commands.add_parser("build", help="build the images whose inputs changed")
    commands.add_parser("status", help="show each service's state")
    run = commands.add_parser("exec", help="run a command in a service's container")
    run.add_argument("-u", "--user", default="root")
    run.add_argument("service", choices=SERVICES)
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="CMD")
    logs = commands.add_parser("logs", help="show what the services wrote")
    logs.add_argument("service", nargs="?", choices=SERVICES)
    publish = commands.add_parser("publish", help="serve a directory as http://git/NAME.git")
    publish.add_argument("name")
    publish.add_argument("directory", type=Path)
    args = parser.parse_args(argv)
    cluster = Cluster(args.project, args.port)

    try:
        if args.command == "up":
            cluster.up(hub=not args.no_hub)
        elif args.command == "down":
            cluster.down(images=args.images)
        elif args.command == "build":
            cluster.build()
        elif args.command == "status":
            show_status(cluster)
        elif args.command == "publish":
            print(cluster.publish(args.name, args.directory))
        elif args.command == "logs":
            for service in [args.service] if args.service else SERVICES:
                subprocess.run(["docker", "logs", cluster.container(service)], check=False)
        elif args.command == "exec":
            terminal = ["-it"] if sys.stdin.isatty() and sys.stdout.isatty() else ["-i"]
            user = ["-u", args.user, "-e", f"USER={args.user}"]
            words = args.words or ["bash"]
            return subprocess.run(
                ["docker", "exec", *terminal, *user, cluster.container(args.service), *words]
            ).returncode
    except (ClusterError, subprocess.TimeoutExpired) as problem:
        print(f"error: {problem}", file=sys.stderr)
        if isinstance(problem, ClusterError) and problem.do:
            print(f"what to do: {problem.do}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
