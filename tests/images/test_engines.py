"""What is to be seen in a container, and how it ends, with the engines themselves.

Charliecloud runs the artefact's file; podman-hpc is Podman behind a stand-in, which pulls the same
image from a registry. `docs/engines.md` says what was run of the other engines.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

import pytest
from images.engine_site import SLOW_TO_END, EngineSite, Registry, Running, configured, pulled

from hpcbinderhub.errors import UserError
from hpcbinderhub.hostparts import HostParts
from hpcbinderhub.images.engines import engine_class, engine_named
from hpcbinderhub.profiles import EngineName
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster
from hpcbinderhub.trust.reach import Reach

pytestmark = pytest.mark.slow
PROGRAMS: dict[EngineName, tuple[str, ...]] = {
    "charliecloud": ("ch-run", "mksquashfs", "unsquashfs", "busybox"),
    "podman-hpc": ("podman", "runc", "fuse-overlayfs", "newuidmap", "busybox"),
}


@pytest.fixture(scope="module", params=list(PROGRAMS))
def running(request: pytest.FixtureRequest, engine_site: EngineSite, registry: Registry) -> Running:
    """Each engine, once its image is ready."""
    name: EngineName = request.param
    missing = [program for program in PROGRAMS[name] if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    engine = engine_named(name, *configured(engine_site, registry))
    if engine_class(name).needs_fuse:
        return Running(engine_site, engine, str(engine_site.artefact))
    return Running(engine_site, engine, pulled(engine))


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


def test_slurms_word_that_the_end_is_near_is_seen_in_a_container(running: Running) -> None:
    """Slurm signals the job's script alone, and an engine may stand between that and the server."""
    near = running.site.places().launch / "end-is-near"
    script = (
        f"echo up; until [ -e {near} ]; do busybox sleep 0.1; done; busybox rmdir {near}; exit 5"
    )
    process = running.start("/bin/busybox", "sh", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGUSR1)
    assert process.wait(30) == 5


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


def test_without_a_registry_there_is_nothing_to_pull_from(engine_site: EngineSite) -> None:
    without = Site()
    with pytest.raises(UserError, match="the site has none"):
        pulled(engine_named("podman-hpc", without, Cluster(engine_site, without)))
