"""Docker: finds it, starts it, runs its commands, as root or through sudo; and how we report."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

DOCKERD_LOG = Path("/var/log/hpcbinderhub-dockerd.log")


class ClusterError(Exception):
    """Something a person has to mend: what went wrong, and what to do."""

    def __init__(self, what: str, do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.do = do


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


# What goes before each docker command: nothing, or sudo for a person who is not in its group.
_as_root: list[str] = []


def docker_command(**settings: str) -> list[str]:
    """How docker is called here, with these environment variables; sudo would drop others."""
    return [*_as_root, *_environment(settings), "docker"]


def compose_command(**settings: str) -> list[str]:
    """`docker compose` where there is one, else `docker-compose`."""
    if docker("compose", "version", check=False).returncode == 0:
        return [*docker_command(**settings), "compose"]
    if shutil.which("docker-compose"):
        return [*_as_root, *_environment(settings), "docker-compose"]
    raise ClusterError(
        "Neither `docker compose` nor `docker-compose` is installed.",
        "Install one (Debian and Ubuntu: apt-get install docker-compose).",
    )


def _environment(settings: dict[str, str]) -> list[str]:
    return ["env", *(f"{name}={value}" for name, value in settings.items())] if settings else []


def docker(
    *args: str, timeout: float = 60, check: bool = True, **options: object
) -> subprocess.CompletedProcess[str]:
    """Run one docker command and return its output as text."""
    done: subprocess.CompletedProcess[str] = subprocess.run(  # type: ignore[call-overload]
        [*docker_command(), *args],
        text=True,
        capture_output=True,
        timeout=timeout,
        check=False,
        **options,
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
        _become_root()
        if _docker_answers():
            return
    _start_docker()
    deadline = time.monotonic() + 60
    while not _docker_answers():
        if time.monotonic() > deadline:
            raise ClusterError(
                "The Docker daemon was started but does not answer within 60 s.",
                f"Read {DOCKERD_LOG} (or: journalctl -u docker).",
            )
        time.sleep(0.3)


def _become_root() -> None:
    """From here on through sudo, which asks for the password where there is somebody to ask."""
    sudo = ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]
    if shutil.which("sudo") is None or subprocess.run([*sudo, "true"]).returncode != 0:
        raise ClusterError(
            "No Docker daemon answers you, and sudo does not let you be root.",
            "Start it (systemctl start docker), and see that you are in the group docker.",
        )
    print("Docker does not answer you; going on with sudo.", flush=True)
    _as_root[:] = sudo


def _start_docker() -> None:
    if Path("/run/systemd/system").is_dir():
        start = [*_as_root, "systemctl", "start", "docker"]
        subprocess.run(start, check=False, capture_output=True, timeout=60)
        return
    if shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
        raise ClusterError(
            "No Docker daemon runs, and dockerd is not installed.", "Install docker.io."
        )
    # Detached: it goes on when we end.
    detached = 'exec setsid dockerd < /dev/null >> "$0" 2>&1'
    subprocess.Popen([*_as_root, "sh", "-c", detached, str(DOCKERD_LOG)])


def _docker_answers() -> bool:
    version = ("version", "--format", "{{.Server.Version}}")
    try:
        return docker(*version, check=False, timeout=15).returncode == 0
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
