"""What is to be seen in a container, and how it ends, with the engines themselves.

Charliecloud runs the artefact's file; podman-hpc is Podman behind a stand-in, which pulls the same
image from a registry. `docs/engines.md` says what was run of the other engines.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from images.engine_site import ACCOUNT, DOUBLES, EngineSite

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test_doubles"))
from fixed_registry import Registry

from hpcbinderhub.errors import UserError
from hpcbinderhub.hostparts import HostParts
from hpcbinderhub.images.engines import Engine, engine_class, engine_named
from hpcbinderhub.profiles import EngineName
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster
from hpcbinderhub.trust.reach import Reach

pytestmark = pytest.mark.slow
PROGRAMS: dict[EngineName, tuple[str, ...]] = {
    "charliecloud": ("ch-run", "mksquashfs", "unsquashfs", "busybox"),
    "podman-hpc": ("podman", "runc", "fuse-overlayfs", "newuidmap", "busybox"),
}


@pytest.fixture(scope="module")
def site() -> Iterator[EngineSite]:
    """Below /tmp, which every image has."""
    if os.getuid() == 0 and subprocess.run(["id", ACCOUNT], capture_output=True).returncode:
        pytest.skip(f"needs an account {ACCOUNT}, with ranges in /etc/subuid")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("/dev/fuse is missing or closed")
    with tempfile.TemporaryDirectory(prefix="engines-", dir="/tmp") as folder:
        made = EngineSite.make(Path(folder))
        yield made
        if shutil.which("podman"):
            # Its storage holds files of other numbers, and a process of its waits for more.
            made.run("podman", "unshare", "rm", "-rf", f"{folder}/scratch/storage")
            made.run("podman", "system", "migrate")


@pytest.fixture(scope="module")
def registry(site: EngineSite) -> Iterator[Registry]:
    """A registry with the image under its artefact's digest."""
    with Registry() as made:
        made.add_image("images", "a" * 64, site.folder / "tree")
        yield made


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


@pytest.fixture(scope="module", params=list(PROGRAMS))
def running(request: pytest.FixtureRequest, site: EngineSite, registry: Registry) -> Running:
    """Each engine, once its image is ready."""
    name: EngineName = request.param
    missing = [program for program in PROGRAMS[name] if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    engine = engine_named(name, *configured(site, registry))
    if engine_class(name).needs_fuse:
        return Running(site, engine, str(site.artefact))
    return Running(site, engine, pulled(engine))


def configured(site: EngineSite, registry: Registry) -> tuple[Site, Cluster]:
    """The hub's side, whose login node is this machine."""
    insecure = site.folder / "registries.conf"
    insecure.write_text(f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n')
    told = Site(image_registry=f"{registry.host}/images", artefacts=str(site.artefact.parent))
    told.slurm_path = [str(DOUBLES), "/usr/bin", "/bin", "/usr/sbin"]
    told.slurm_environment = {
        **{name: site.environment[name] for name in ("SCRATCH", "XDG_RUNTIME_DIR")},
        "CONTAINERS_REGISTRIES_CONF": str(insecure),
    }
    return told, Cluster(site, told)


def pulled(engine: Engine, artefact: str = "a" * 64) -> str:
    """The name of an image once the engine has it."""
    return asyncio.run(engine.ensure("alice", artefact, None))


# -- what is seen ----------------------------------------------------------------------------------


@pytest.mark.parametrize("root", ["{home}/hpcbinder", "{base}/workspaces/{user}"])
def test_a_home_is_seen_where_that_was_granted_and_nowhere_else(
    root: str, running: Running
) -> None:
    homes = running.site.folder / "homes"
    if "{base}" in root:
        base = running.site.folder / "workspaces" / "alice"
        base.mkdir(parents=True, exist_ok=True)
        shutil.chown(base, running.site.account.pw_uid)
    where = running.site.places(root.replace("{base}", str(homes.parent)))
    thesis = f"busybox cat {homes}/alice/thesis.txt"

    assert "No such file" in running.seen(thesis, where=where)
    assert running.seen(thesis, where=where, reach=Reach.HOME) == "alice's thesis"
    running.seen(f"busybox touch {homes}/alice/by-the-code", where=where, reach=Reach.HOME)
    assert (homes / "alice" / "by-the-code").exists()
    (homes / "alice" / "by-the-code").unlink()
    for reach in Reach:
        assert "No such file" in running.seen(f"busybox ls {homes}/bob", where=where, reach=reach)
        listed = running.seen(f"busybox ls {where.workspace.parent}", where=where, reach=reach)
        assert listed == "files"


def test_one_launch_does_not_see_what_another_will_run(running: Running) -> None:
    trusted = running.site.places(launch="0abc1235")
    running.seen(f"busybox touch {trusted.workspace}/run.py", where=trusted, reach=Reach.HOME)
    strange = running.site.places(launch="0abc1236")
    found = running.seen(f"busybox find {strange.root} -maxdepth 2", where=strange)
    assert sorted(line.removeprefix(str(strange.root)) for line in found.split()) == [
        "",
        "/launches",
        "/launches/0abc1236",
        "/workspaces",
        "/workspaces/quickstart-bc1236",
    ]


def test_the_workspace_is_hers_to_write_and_the_image_is_not(running: Running) -> None:
    where = running.site.places()
    assert running.seen(f"busybox touch {where.workspace}/here && busybox id -u") == str(
        running.site.account.pw_uid
    )
    assert Path(where.workspace, "here").stat().st_uid == running.site.account.pw_uid
    for path in ("/new", "/bin/new", "/etc/new"):
        said = running.seen(f"busybox touch {path}")
        assert "Read-only file system" in said or "Permission denied" in said


def test_what_the_site_gives_of_its_host(running: Running) -> None:
    data = running.site.folder / "scratch" / "libraries"
    data.mkdir(exist_ok=True)
    shutil.chown(data, running.site.account.pw_uid)
    (data / "libmpi.so").write_text("mpi")
    host = HostParts.model_validate(
        {
            "binds": [{"source": str(data), "target": "/opt"}],
            "library_path": ["/opt"],
        }
    )
    said = running.seen("busybox cat /opt/libmpi.so; echo; echo $HPCBINDER_LIBRARY_PATH", host=host)
    assert said.split() == ["mpi", "/opt"]
    refused = "Read-only file system" in running.seen("busybox touch /opt/x", host=host)
    assert refused is running.engine.read_only_binds


def test_the_environment_is_what_the_start_command_needs(running: Running) -> None:
    where = running.site.places()
    said = running.seen("echo $HOME; echo $SLURM_JOB_ID; echo $CUDA_VISIBLE_DEVICES; pwd")
    assert said.split() == [str(where.home), "4711", "0,3", str(where.root)]


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


# -- how it ends -----------------------------------------------------------------------------------


def test_the_commands_exit_code_is_the_engines(running: Running) -> None:
    assert running.seen("exit 7") == "[7]"


def test_a_signal_of_slurms_reaches_the_command_which_ends_in_its_own_time(
    running: Running,
) -> None:
    """Slurm signals all of a job's processes: the engine's own among them."""
    said = f"{running.site.places().workspace}/said"
    host = HostParts.model_validate({"binds": [{"source": "/usr", "target": "/usr"}]})
    process = running.start("/usr/bin/python3", "-c", SLOW_TO_END, said, host=host)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(30) == 5
    assert Path(said).read_text() == "bye\n"


# -- images that are pulled ------------------------------------------------------------------------


def test_a_pull_is_judged_by_what_is_there_afterwards(running: Running) -> None:
    if running.engine.needs_fuse:
        pytest.skip("runs the artefact's own file")
    with pytest.raises(UserError, match="could not pull the image") as failure:
        pulled(running.engine, "b" * 64)
    assert "404" in failure.value.detail


def test_a_copy_goes_when_the_artefact_has_gone(running: Running, registry: Registry) -> None:
    if running.engine.needs_fuse:
        pytest.skip("keeps no copies")
    registry.add_image("images", "d" * 64, running.site.folder / "tree")
    image = pulled(running.engine, "d" * 64)
    cluster = configured(running.site, registry)[1]

    async def has() -> bool:
        return bool(await cluster.image_lookup("alice", running.engine.name, image))

    assert asyncio.run(has())
    for _ in range(2):
        asyncio.run(running.engine.remove("alice", "d" * 64))
        assert not asyncio.run(has())


def test_without_a_registry_there_is_nothing_to_pull_from(site: EngineSite) -> None:
    without = Site()
    with pytest.raises(UserError, match="the site has none"):
        pulled(engine_named("podman-hpc", without, Cluster(site, without)))


# -- nodes without FUSE ----------------------------------------------------------------------------


@pytest.fixture
def no_fuse(site: EngineSite) -> tuple[str, ...]:
    """What makes a node of this machine that has none."""
    if os.getuid() != 0:
        pytest.skip("needs root, to hide /dev/fuse")
    nothing = site.folder / "nothing"
    nothing.touch()
    script = f'mount --bind {nothing} /dev/fuse && exec "$@"'
    return ("unshare", "--mount", "bash", "-c", script, "node")


@pytest.fixture
def node(site: EngineSite, registry: Registry, no_fuse: tuple[str, ...]) -> Running:
    """Charliecloud on such a node."""
    if shutil.which("ch-run") is None:
        pytest.skip("ch-run is not installed")
    engine = engine_named("charliecloud", *configured(site, registry))
    return Running(site, engine, str(site.artefact), no_fuse)


@pytest.fixture
def unpacked(site: EngineSite) -> Path:
    """Where alice's unpacked images are on the node."""
    return site.folder / "local" / f"hpcbinder-images-{site.account.pw_uid}"


UNTIL_TOLD = "echo $HPCBINDER_NODE_NOTICE; until [ -e {} ]; do busybox sleep 0.1; done; exit 7"


def test_without_fuse_an_image_is_unpacked_once_and_goes_with_the_last_job(
    node: Running, unpacked: Path
) -> None:
    told = [node.site.places().workspace / name for name in ("first", "second")]
    jobs, notices = [], []
    for go in told:
        jobs.append(node.start("/bin/sh", "-c", UNTIL_TOLD.format(go)))
        notices.append(jobs[-1].stdout.readline())  # type: ignore[union-attr]
    assert "has no FUSE), so yours was unpacked to the node's own disk: which took" in notices[0]
    assert "an earlier job had unpacked it" in notices[1]
    for job, go, left in zip(jobs, told, ([node.site.artefact.stem], []), strict=True):
        Path(go).touch()
        assert job.wait(30) == 7
        assert [path.name for path in unpacked.iterdir() if path.is_dir()] == left


def test_what_a_killed_job_left_is_removed_by_the_next(node: Running, unpacked: Path) -> None:
    process = node.start("/bin/sh", "-c", UNTIL_TOLD.format("/never"))
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    other = unpacked / ("c" * 64)
    (unpacked / node.site.artefact.stem).rename(other)
    (unpacked / f"{node.site.artefact.stem}.used").rename(f"{other}.used")
    assert node.seen("exit 3") == "[3]"
    assert [path.name for path in unpacked.iterdir()] == ["lock"]


def test_an_unpacked_image_hears_signals_too(node: Running) -> None:
    host = HostParts.model_validate({"binds": [{"source": "/usr", "target": "/usr"}]})
    said = f"{node.site.places().workspace}/said"
    process = node.start("/usr/bin/python3", "-c", SLOW_TO_END, said, host=host)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(30) == 5


def test_a_directory_of_somebody_elses_is_not_used(node: Running, unpacked: Path) -> None:
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir()
    assert "no image can be unpacked in" in node.seen("exit 0")
    unpacked.rmdir()
