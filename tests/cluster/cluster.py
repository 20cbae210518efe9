"""One containerised Slurm cluster: its start, its end, its commands."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import contents, probes
from .engine import (
    ClusterError,
    check_host,
    compose_command,
    docker,
    ensure_docker,
    last_lines,
    step,
)
from .images import BASE_IMAGE, IMAGES, build_base, build_image, ca_bundle, image_id, remove_images

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.test.yml"
EXAMPLES = ROOT / "share" / "examples"
LAB = ROOT / "hpcbinder" / "lab"

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


@dataclass
class Cluster:
    """One cluster, named by its project; several may run side by side on different ports."""

    project: str = "hpcbinderhub"
    port: int = 8000
    watch_seconds: str = ""
    """How often Slurm is asked for jobs' states; as shipped unless set."""

    @property
    def settings(self) -> dict[str, str]:
        """What the compose file refers to."""
        return {
            "HPCBINDERHUB_PORT": str(self.port),
            "HPCBINDERHUB_CA_BUNDLE": str(ca_bundle() or "/dev/null"),
            "HPCBINDERHUB_BUILD_ENV": os.environ.get("HPCBINDERHUB_BUILD_ENV", ""),
            "HPCBINDERHUB_WATCH_SECONDS": self.watch_seconds,
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
            seeding = background.submit(contents.seed_registry, self)
            with step("git server"):
                self.wait("git", 180, probes.git_answers)
            with step("examples") as note:
                note(f"{len(self.publish_examples())} published")
            with step("ssh"):
                self.wait("login", 180, probes.sshd_answers)
            with step("accounting"):
                self.wait("slurmctld", 180, probes.accounts_exist)
            with step("nodes") as note:
                self.wait("slurmctld", 180, probes.nodes_ready)
                note(
                    "cgroups: " + self.run("c1", "cat", "/run/hpcbinderhub/cgroups").stdout.strip()
                )
            with step("registry") as note:
                note(seeding.result(timeout=180))
        with step("lab"):
            # Images take it as it is here; what was pulled since it was built would fail there.
            subprocess.run([sys.executable, LAB / "build.py", "--if-possible"], check=True)
        with step("hub services") as note:
            self.wait("hub", 180, probes.supervisor_answers)
            note("project " + self.refresh_project())
        if hub:
            with step("hub"):
                self.wait("hub", 180, probes.hub_answers)
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
        return contents.publish(self, {name: Path(directory)})[name]

    def publish_examples(self) -> dict[str, str]:
        """Publish every directory under share/examples; returns each one's commit."""
        found = sorted(EXAMPLES.iterdir()) if EXAMPLES.is_dir() else []
        return contents.publish(self, {path.name: path for path in found if path.is_dir()})

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
            [*compose_command(**self.settings), "-f", str(COMPOSE_FILE), "-p", self.project, *args],
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

    def wait(self, service: str, seconds: float, probe: Callable[[Cluster], str]) -> None:
        """Wait until `probe` names nothing missing; give up early if a container has ended."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                missing = probe(self)
            except probes.Hopeless as problem:
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
