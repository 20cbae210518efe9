"""What a test does to the site besides using it: looks, kills, serves repositories."""

from __future__ import annotations

import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from .cluster import EXAMPLES, Cluster
from .demo import is_made
from .engine import docker

JOB_FIELDS = "%i|%T|%u|%j"
PARTITIONS = ("interactive", "regular")
SERVICE = "hpcbinderhub.services.binder.app"


class Rig:
    """One running site."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.url = f"http://127.0.0.1:{cluster.port}"

    # -- Slurm ---------------------------------------------------------------------------------

    def jobs(self, user: str) -> list[str]:
        """Ids of the user's jobs that wait or run."""
        done = self.slurm("squeue", "--noheader", "--format=" + JOB_FIELDS, f"--user={user}")
        rows = [line.split("|") for line in done.splitlines()]
        return [row[0] for row in rows if row[1] not in ("COMPLETING", "CANCELLED")]

    def jobs_of_launch(self, launch: str) -> list[str]:
        """Ids of every job ever submitted for a launch."""
        done = self.slurm(
            *("sacct", "--noheader", "--allocations", "--parsable2", "--allusers"),
            *(f"--name=hpcbinder-{launch}", "--format=JobIDRaw", "--starttime=now-1hour"),
        )
        return done.split()

    def slurm(self, *command: str) -> str:
        """A Slurm command, as root."""
        return self.cluster.run("slurmctld", *command).stdout.strip()

    def hold_starts(self, *partitions: str) -> None:
        """Let jobs be submitted but not started: in these partitions, or in any."""
        for partition in partitions or PARTITIONS:
            self.slurm("scontrol", "update", f"PartitionName={partition}", "State=DOWN")

    def allow_starts(self) -> None:
        """The opposite."""
        for partition in PARTITIONS:
            self.slurm("scontrol", "update", f"PartitionName={partition}", "State=UP")

    # -- the hub's host ------------------------------------------------------------------------

    def kill(self, what: str) -> None:
        """`kill -9` the hub, the service or the worker; something brings each of them back."""
        pattern = {
            "hub": "bin/jupyterhub --config",
            "hop": "hpcbinderhub.hop /",
            "service": SERVICE,
            "worker": "bin/hpcbinderhub worker",
        }[what]
        before = set(self.processes("hub", SERVICE))
        self.cluster.run("hub", "pkill", "-9", "-f", pattern)
        if what == "hub":
            # Its service notices within a second and ends too; until then the old one answers.
            gone = lambda: not before & set(self.processes("hub", SERVICE))  # noqa: E731
            eventually(gone, 180, "its service is gone")

    def wait_until_up(self) -> None:
        """Until hub and service answer through the proxy."""
        paths = ("/hub/health", "/services/binder/health")
        eventually(lambda: all(map(self._answers, paths)), 240, "hub and service answer")

    def _answers(self, path: str) -> bool:
        try:
            return httpx.get(f"{self.url}{path}").status_code == 200
        except httpx.HTTPError:
            return False

    def wait_until_builds_are_taken(self) -> None:
        """Until the worker has its base image."""
        eventually(lambda: is_made(self.cluster), 900, "the base image is made")

    @contextmanager
    def build_limits(self, **traits: int) -> Iterator[None]:
        """Restart the worker with other limits, as an admin would: a file of configuration."""
        path = "/etc/jupyterhub/jupyterhub_config.d/95-limits.py"
        lines = "".join(f"c.Site.{name} = {value}\n" for name, value in traits.items())
        self.cluster.run("hub", "tee", path, input=lines)
        self._restart_worker()
        try:
            yield
        finally:
            self.cluster.run("hub", "rm", path)
            self._restart_worker()

    @contextmanager
    def hub_with(self, *lines: str) -> Iterator[None]:
        """Restart the hub with more lines in its configuration, as an admin would."""
        path = "/etc/jupyterhub/jupyterhub_config.d/95-hub.py"
        self.cluster.run("hub", "tee", path, input="\n".join(lines) + "\n")
        self._restart_hub()
        try:
            yield
        finally:
            self.cluster.run("hub", "rm", path)
            self._restart_hub()

    def _restart_hub(self) -> None:
        self.cluster.run("hub", "supervisorctl", "restart", "hub")
        self.wait_until_up()

    def _restart_worker(self) -> None:
        self.cluster.run("hub", "supervisorctl", "restart", "worker")
        self.wait_until_builds_are_taken()

    @contextmanager
    def silent(self, service: str) -> Iterator[None]:
        """A host that takes connections and answers nothing."""
        container = self.cluster.container(service)
        docker("pause", container)
        try:
            yield
        finally:
            docker("unpause", container)

    def processes(self, service: str, pattern: str) -> list[str]:
        """Command lines on a node that match."""
        done = self.cluster.run(service, "pgrep", "-af", pattern, check=False)
        return [line for line in done.stdout.splitlines() if "pgrep" not in line]

    def in_network_of(self, service: str, *command: str) -> None:
        """Run a command of this host's, as root, in a container's network."""
        shown = docker("inspect", "--format={{.State.Pid}}", self.cluster.container(service))
        enter = ["nsenter", f"--target={shown.stdout.strip()}", "--net"]
        subprocess.run([*enter, *command], check=True)

    @contextmanager
    def full_directory(self, service: str, path: str, owner: int) -> Iterator[None]:
        """A directory of a node in which nothing more can be written. Needs root on this host:
        the node's own root may not mount anything."""
        self.cluster.run(service, "install", "-d", "-o", str(owner), path)
        container = self.cluster.container(service)
        shown = docker("inspect", "--format={{.State.Pid}}", container).stdout.strip()
        enter = ["nsenter", f"--target={shown}", "--mount"]
        tmpfs = ["mount", "-t", "tmpfs", "-o", f"size=4k,uid={owner},mode=700", "none", path]
        subprocess.run([*enter, *tmpfs], check=True)
        try:
            subprocess.run(
                [*enter, "dd", "if=/dev/zero", f"of={path}/filling", "bs=4k", "count=1"],
                check=True,
                capture_output=True,
            )
            yield
        finally:
            subprocess.run([*enter, "umount", path], check=True)

    # -- repositories --------------------------------------------------------------------------

    def repository(self, name: str, files: dict[str, str]) -> str:
        """Serve these files as a repository; its address."""
        with tempfile.TemporaryDirectory() as directory:
            for path, text in files.items():
                target = Path(directory, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
                if text.startswith("#!"):
                    target.chmod(0o755)
            self.cluster.publish(name, directory)
        return f"http://git/{name}.git"

    def example(self, name: str) -> dict[str, str]:
        """The files of one of our example repositories."""
        root = EXAMPLES / name
        found = [path for path in root.rglob("*") if path.is_file()]
        return {str(path.relative_to(root)): path.read_text() for path in found}

    def unique(self) -> str:
        """Text that no earlier run has seen."""
        return uuid.uuid4().hex

    def unseen(self, files: dict[str, str]) -> dict[str, str]:
        """These files with an environment that no earlier run has seen, so that it is built."""
        requirements = files.get("requirements.txt", "")
        return files | {"requirements.txt": f"{requirements}# {self.unique()}\n"}

    # -- cleaning up ---------------------------------------------------------------------------

    def tidy(self, user: str) -> None:
        """Stop the user's servers and see that no job is left."""
        from .person import Person

        self.wait_until_up()
        someone = Person(user, self.url)
        for server in someone.servers():
            someone.stop(server)
        eventually(lambda: not self.jobs(user), 180, f"{user} has no job")


def eventually(check: Callable[[], Any], seconds: float, what: str) -> Any:
    """The check's answer as soon as it is true; fails after so many seconds."""
    limit = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        assert time.monotonic() < limit, f"after {seconds:.0f} s it is still not true that {what}"
        time.sleep(0.25)
