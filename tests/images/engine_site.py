"""A site of one machine for real engines: an ordinary account, a small image, a login node."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from images.small_image import make_artefact

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test_doubles"))
from fixed_registry import Registry

from hpcbinderhub.images.engines import ContainerRun, Engine
from hpcbinderhub.images.engines.fuse import mounted_or_unpacked
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster
from hpcbinderhub.slurm.framing import Answer
from hpcbinderhub.slurm.packing import packed
from hpcbinderhub.slurm.script import batch_script
from hpcbinderhub.trust.reach import Reach
from hpcbinderhub.workspaces import Account, Places, places

DOUBLES = Path(__file__).resolve().parent.parent / "doubles" / "bin"
ACCOUNT = "builder"
"""The account for all that needs one with user namespaces, where tests run as root."""

PODMAN_HPC_NEEDS = ("SCRATCH", "XDG_RUNTIME_DIR", "PODMANHPC_RUN_ROOT")
"""Variables by which its parts on the login node and on a compute node find each other's files."""


def make_tree(root: Path, mount_point: str) -> None:
    """A small system, with all the directories that every image has."""
    folders = ("bin", "dev", "etc", "proc", "sys", "run", "tmp", "var/tmp", "home", "opt", "usr")
    for name in (*folders, mount_point):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for name in ("hosts", "passwd", "group", "resolv.conf"):
        (root / "etc" / name).touch()
    shutil.copy(shutil.which("busybox") or "", root / "bin" / "busybox")
    (root / "bin" / "sh").symlink_to("busybox")
    for name in ("lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")


@dataclass(frozen=True)
class EngineSite:
    """A folder that everybody can reach, below a directory at the root that images have too."""

    folder: Path
    account: pwd.struct_passwd

    @classmethod
    def make(cls, folder: Path) -> EngineSite:
        """The site, as an account that exists here."""
        site = cls(folder, pwd.getpwnam(ACCOUNT) if os.getuid() == 0 else pwd.getpwuid(os.getuid()))
        folder.chmod(0o755)
        make_tree(folder / "tree", folder.parts[1])
        for name in ("homes/alice", "homes/bob", "artefacts", "scratch", "runtime", "local"):
            (folder / name).mkdir(parents=True)
        for user in ("alice", "bob"):
            (folder / "homes" / user / "thesis.txt").write_text(f"{user}'s thesis")
        (folder / "agent").write_bytes(packed())
        for path in ("homes/alice", "homes/bob", "scratch", "runtime", "local"):
            shutil.chown(folder / path, site.account.pw_uid, site.account.pw_gid)
        return site

    @property
    def artefact(self) -> Path:
        """The image as a file."""
        path = self.folder / "artefacts" / f"{'a' * 64}.squashfs"
        if not path.exists():
            make_artefact(self.folder / "tree", path)
        return path

    @property
    def environment(self) -> dict[str, str]:
        """Of a job, with a secret of the host's that is nobody's business."""
        return {
            "PATH": f"{DOUBLES}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "USER": self.account.pw_name,
            "HOME": str(self.folder / "homes" / "alice"),
            "SCRATCH": str(self.folder / "scratch"),
            "XDG_RUNTIME_DIR": str(self.folder / "runtime"),
            "PODMANHPC_RUN_ROOT": str(self.folder / "runtime" / "podman-hpc"),
            "SLURM_JOB_ID": "4711",
            "CUDA_VISIBLE_DEVICES": "0,3",
        }

    def places(self, root: str = "{home}/hpcbinder", launch: str = "0abc1234") -> Places:
        """Where alice's launch is, with the directories that the agent makes."""
        home = str(self.folder / "homes" / "alice")
        alice = Account("alice", self.account.pw_uid, home)
        return places(root, alice, launch, f"quickstart-{launch[-6:]}")

    def start(
        self, engine: Engine, image: str, run: dict[str, Any], *before: str
    ) -> subprocess.Popen[str]:
        """The batch script of a launch, run as a node runs it: by the user, in a session."""
        where: Places = run["where"]
        reach = run.get("reach", Reach.CLOSED)
        made = [where.copy_of(path) for path in where.shown(reach)]
        made += [where.copy_of(top) for top in engine.covered(where, reach)]
        made += [where.workspace, where.home]
        self.run("mkdir", "-p", *map(str, made))
        command: Sequence[str] = engine.command(
            ContainerRun(**{"image": image, "data_roots": (), **run})
        )
        if engine.needs_fuse:
            command = mounted_or_unpacked(command, image, str(self.folder / "local"))
        return subprocess.Popen(
            [*before, *self.as_account("bash")],
            stdin=self._script(batch_script("", [], command, launch=where.launch)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            start_new_session=True,
        )

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command of the user's."""
        return subprocess.run(self.as_account(*command), capture_output=True, text=True, cwd="/")

    def as_account(self, *command: str) -> list[str]:
        """A command as the user, in a job's environment."""
        change = ["setpriv", f"--reuid={self.account.pw_uid}", f"--regid={self.account.pw_gid}"]
        prefix = [*change, "--init-groups"] if os.getuid() == 0 else []
        clean = ["env", "-i", *(f"{name}={value}" for name, value in self.environment.items())]
        return [*prefix, *clean, *command]

    def _script(self, text: str) -> BinaryIO:
        path = self.folder / "script"
        path.write_text(text)
        return open(path, "rb")

    # -- its login node, as `hpcbinderhub.slurm.transport.Transport` -------------------------------

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None
    ) -> dict[str, Any]:
        """The agent's answer."""
        command = self.as_account("/usr/bin/python3", "-I", str(self.folder / "agent"))
        asked = json.dumps({**request, "nonce": "7f3a"})
        how = {"input": asked, "capture_output": True, "text": True, "cwd": "/"}
        done = await asyncio.to_thread(subprocess.run, command, **how)  # type: ignore[call-overload]
        answer = Answer("7f3a", data)
        answer.feed(done.stdout.encode())
        return answer.result()

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class Running:
    """An engine and the image, as it knows it."""

    site: EngineSite
    engine: Engine
    image: str
    node: tuple[str, ...] = ()

    def start(self, *command: str, **run: Any) -> subprocess.Popen[str]:
        run = {"where": self.site.places(), "command": command, **run}
        return self.site.start(self.engine, self.image, run, *self.node)

    def seen(self, script: str, **run: Any) -> str:
        """What a shell script in the container prints, and how it ends if not well."""
        process = self.start("/bin/busybox", "sh", "-c", script, **run)
        said, _ = process.communicate(timeout=60)
        return f"{said} [{process.returncode}]".removesuffix(" [0]").strip()


def configured(site: EngineSite, registry: Registry) -> tuple[Site, Cluster]:
    """The hub's side, whose login node is this machine."""
    insecure = site.folder / "registries.conf"
    insecure.write_text(f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n')
    told = Site(
        image_registry=f"{registry.host}/images",
        artefacts=str(site.artefact.parent),
        slurm_path=[str(DOUBLES), "/usr/bin", "/bin", "/usr/sbin"],
        slurm_environment={
            **{name: site.environment[name] for name in PODMAN_HPC_NEEDS},
            "CONTAINERS_REGISTRIES_CONF": str(insecure),
        },
    )
    return told, Cluster(site, told)


def pulled(engine: Engine, artefact: str = "a" * 64) -> str:
    """The name of an image once the engine has it."""
    return asyncio.run(engine.ensure("alice", artefact, None))


SLOW_TO_END = """
import signal, subprocess, sys, time

def end(*_):
    time.sleep(1)
    subprocess.run(["/bin/busybox", "sh", "-c", "echo bye > " + sys.argv[1]], check=True)
    sys.exit(5)

# As the start command does.
signal.signal(signal.SIGTERM, end)
signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
print("up", flush=True)
time.sleep(30)
"""
"""Needs a file of the image's when it has heard the signal, to end well."""
