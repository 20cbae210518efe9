"""Engines' command lines: pure functions, so the whole of each is here to be read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcbinder.environment import NODE_DECIDES
from hpcbinderhub.errors import UserError
from hpcbinderhub.hostparts import HostParts
from hpcbinderhub.images.engines import (
    Apptainer,
    Charliecloud,
    ContainerRun,
    Engine,
    Enroot,
    PodmanHpc,
    Sarus,
    Shifter,
    charliecloud,
    engine_class,
    engine_named,
    enroot,
)
from hpcbinderhub.images.engines.base import NODE_VARIABLES
from hpcbinderhub.profiles import Profile
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import cluster_of
from hpcbinderhub.trust.reach import Reach
from hpcbinderhub.workspaces import Account, Places, places

ALICE = Account("alice", 2001, "/home/alice")
WHERE = places("{home}/hpcbinder", ALICE, "0abc1234", "quickstart-123456")
FILE = "/artefacts/x.squashfs"
PULLED = "registry.example.org/images:x"
LAUNCH, HOME, ROOT = WHERE.launch, WHERE.home, WHERE.root
WORKSPACE = WHERE.workspace.parent
VIEW = f"{LAUNCH}/view/home"

MPICH = HostParts.model_validate(
    {
        "binds": [
            {"source": "/opt/cray/pe/mpich", "target": "/opt/mpich"},
            {"source": "/var/spool/slurmd", "target": "/var/spool/slurmd", "read_only": False},
        ],
        "library_path": ["/opt/mpich/lib", "/opt/mpich/dep"],
    }
)


def command(engine: type[Engine], **values: object) -> list[str]:
    site = Site()
    image = FILE if engine.needs_fuse else PULLED
    run = {"image": image, "where": WHERE, "data_roots": ("/scratch",), "command": ("start", "x")}
    made = engine_named(engine.name, site, cluster_of(site))  # type: ignore[arg-type]
    return list(made.command(ContainerRun(**run | values)))  # type: ignore[arg-type]


def between(words: list[str], first: str) -> list[str]:
    """Those words that begin so."""
    return [word.removeprefix(first) for word in words if word.startswith(first)]


# -- the whole of each -----------------------------------------------------------------------------


def test_charliecloud() -> None:
    assert command(Charliecloud) == [
        *("bash", "-c", charliecloud.START, "ch-run"),
        f"--bind={VIEW}:/home",
        f"--bind={LAUNCH}:{LAUNCH}",
        f"--bind={WORKSPACE}:{WORKSPACE}",
        "--bind=/scratch:/scratch",
        "--env-no-expand",
        f"--set-env=HOME={HOME}",
        f"--cd={ROOT}",
        FILE,
        "--",
        "start",
        "x",
    ]


def test_apptainer() -> None:
    assert command(Apptainer, gpus="nvidia") == [
        "apptainer",
        "exec",
        "--no-mount=cwd,hostfs,bind-paths",
        f"--home={HOME}:{HOME}",
        "--nv",
        "--bind=/etc/hosts:/etc/hosts:ro",
        f"--bind={VIEW}:/home",
        f"--bind={LAUNCH}:{LAUNCH}",
        f"--bind={WORKSPACE}:{WORKSPACE}",
        "--bind=/scratch:/scratch",
        f"--pwd={ROOT}",
        FILE,
        "start",
        "x",
    ]
    assert "--rocm" in command(Apptainer, gpus="amd")


def test_enroot() -> None:
    mount = "none:rbind,x-create=auto"
    assert command(Enroot, gpus="nvidia") == [
        "bash",
        "-c",
        enroot.START,
        "enroot",
        FILE,
        f"--mount={VIEW}:/home:{mount}",
        f"--mount={LAUNCH}:{LAUNCH}:{mount}",
        f"--mount={WORKSPACE}:{WORKSPACE}:{mount}",
        f"--mount=/tmp:/tmp:{mount}",
        f"--mount=/scratch:/scratch:{mount}",
        f"--env=HOME={HOME}",
        "--env=NVIDIA_VISIBLE_DEVICES=all",
        "--env=NVIDIA_DRIVER_CAPABILITIES=compute,utility",
        "--",
        "start",
        "x",
    ]


def test_podman_hpc() -> None:
    assert command(PodmanHpc, gpus="nvidia") == [
        *("podman-hpc", "run", "--rm", "--userns=keep-id"),
        *("--network=host", "--ipc=host", "--pid=host", "--log-driver=none", "--entrypoint="),
        "--gpu",
        f"--volume={VIEW}:/home",
        f"--volume={LAUNCH}:{LAUNCH}",
        f"--volume={WORKSPACE}:{WORKSPACE}",
        "--volume=/tmp:/tmp",
        "--volume=/scratch:/scratch",
        "--env=SLURM_*",
        *(f"--env={name}" for name in NODE_VARIABLES),
        f"--env=HOME={HOME}",
        f"--workdir={ROOT}",
        PULLED,
        "start",
        "x",
    ]
    assert "--device=/dev/kfd" in command(PodmanHpc, gpus="amd")


def test_sarus() -> None:
    assert command(Sarus) == [
        "sarus",
        "run",
        f"--mount=type=bind,source={VIEW},destination=/home",
        f"--mount=type=bind,source={LAUNCH},destination={LAUNCH}",
        f"--mount=type=bind,source={WORKSPACE},destination={WORKSPACE}",
        "--mount=type=bind,source=/tmp,destination=/tmp",
        "--mount=type=bind,source=/scratch,destination=/scratch",
        f"--env=HOME={HOME}",
        f"--workdir={ROOT}",
        "--entrypoint",
        "",
        PULLED,
        "start",
        "x",
    ]


@pytest.mark.parametrize("reach", Reach)
def test_shifter_shows_what_its_site_configured_however_far_a_launch_reaches(reach: Reach) -> None:
    assert command(Shifter, image="id:abc", reach=reach) == [
        "shifter",
        "--image=id:abc",
        f"--env=HOME={HOME}",
        f"--workdir={ROOT}",
        "--",
        "start",
        "x",
    ]


# -- what of her files is seen ---------------------------------------------------------------------


def test_her_home_is_shown_where_that_was_granted() -> None:
    binds = between(command(Charliecloud, reach=Reach.HOME), "--bind=")
    assert binds == [f"{VIEW}:/home", "/home/alice:/home/alice", "/scratch:/scratch"]


def test_her_home_is_shown_beside_workspaces_on_another_file_system() -> None:
    where = places("/projects/{user}", ALICE, "0abc1234", "quickstart-123456")
    words = command(Charliecloud, where=where, data_roots=("/projects",), reach=Reach.HOME)
    assert between(words, "--bind=") == [
        "/projects/alice/launches/0abc1234/view/home:/home",
        "/projects/alice/launches/0abc1234/view/projects:/projects",
        "/home/alice:/home/alice",
        f"{where.launch}:{where.launch}",
        f"{where.workspace.parent}:{where.workspace.parent}",
    ]


@pytest.mark.parametrize("engine", [Apptainer, Enroot, Sarus])
def test_a_home_that_an_engines_own_configuration_mounts_is_covered(engine: type[Engine]) -> None:
    where = places("/projects/{user}", ALICE, "0abc1234", "quickstart-123456")
    words = " ".join(command(engine, where=where))
    covers = [words.find(f"{where.view}/{top}") for top in ("projects", "home")]
    assert -1 < covers[0] < covers[1] < words.find(str(where.workspace.parent))


def test_a_home_whose_name_no_engine_can_quote_is_refused() -> None:
    where = places("{home}", Account("o:o", 1, "/home/o:o"), "0abc1234", "quickstart-123456")
    with pytest.raises(UserError, match="cannot mount /home/o:o"):
        command(Charliecloud, where=where)


# -- what it gets of its host ----------------------------------------------------------------------


def test_the_hosts_mpi_is_mounted_and_its_libraries_go_first() -> None:
    library_path = "HPCBINDER_LIBRARY_PATH=/opt/mpich/lib:/opt/mpich/dep"
    words = {engine: command(engine, host=MPICH) for engine in ENGINES}
    for engine, option in MOUNTS.items():
        own = between(words[engine], option)[-2:]
        assert ["/opt/cray/pe/mpich" in own[0], "/var/spool/slurmd" in own[1]] == [True, True]
        read_only = [word.endswith((":ro", ",ro", ",readonly")) for word in own]
        assert read_only == ([True, False] if engine.read_only_binds else [False, False])
    for engine in ENGINES:
        option = "--set-env=" if engine is Charliecloud else "--env="
        assert library_path in between(words[engine], option)


ENGINES = [engine_class(n) for n in Profile.model_fields["engine"].annotation.__args__]  # type: ignore[union-attr]
MOUNTS: dict[type[Engine], str] = {
    Apptainer: "--bind=",
    Charliecloud: "--bind=",
    Enroot: "--mount=",
    PodmanHpc: "--volume=",
    Sarus: "--mount=type=bind,",
    Shifter: "--volume=",
}


def test_an_engines_own_modules_are_asked_for_by_name() -> None:
    host = HostParts(engine_modules=("mpich", "gpu"))
    assert "--module=mpich,gpu" in command(Shifter, host=host)
    for engine in (PodmanHpc, Sarus):
        words = command(engine, host=host)
        assert words.index("--mpich") + 1 == words.index("--gpu") < words.index(PULLED)


# -- for all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@given(
    home=st.from_regex(r"/[a-z]{1,8}(/[a-z0-9._-]{1,8}){1,3}", fullmatch=True),
    roots=st.lists(st.from_regex(r"/[a-z]{1,8}", fullmatch=True), max_size=3),
    reach=st.sampled_from(Reach),
)
def test_the_command_comes_last_and_whole(
    engine: type[Engine], home: str, roots: list[str], reach: Reach
) -> None:
    where = places("{home}/hpcbinder", Account("alice", 2001, home), "0abc1234", "q-123456")
    words = command(
        engine, where=where, data_roots=tuple(roots), reach=reach, command=("s", "--a b", "$c")
    )
    assert words[-3:] == ["s", "--a b", "$c"]
    assert any(f"HOME={where.home}" in word or f":{where.home}" in word for word in words)


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine.hides_home])
@given(reach=st.sampled_from(Reach))
def test_nothing_of_hers_is_mounted_but_what_is_shown(engine: type[Engine], reach: Reach) -> None:
    made = engine_named(engine.name, Site(), cluster_of(Site()))  # type: ignore[arg-type]
    run = ContainerRun("x", WHERE, ("/scratch",), ("start",), reach)
    shown = {str(path) for path in WHERE.shown(reach)}
    for mount in made.mounts(run):
        if mount.target.startswith("/home"):
            assert mount.source in shown or mount.source.startswith(str(WHERE.view))


def test_engines_pass_on_what_the_start_command_takes() -> None:
    assert set(NODE_VARIABLES) - {"HPCBINDER_NODE_NOTICE"} == NODE_DECIDES


def test_charliecloud_finds_its_mount_point_made(tmp_path: Path) -> None:
    """Two that begin together would both make it, and one fail."""
    user = f"nobody-{uuid4().hex}"
    made = Path("/var/tmp", f"{user}.ch")
    fake = tmp_path / "ch-run"
    fake.write_text('#!/bin/sh\nls -d "/var/tmp/$USER.ch/mnt"; exec printf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "USER": user}
    words = command(Charliecloud)
    try:
        out = subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout
    finally:
        shutil.rmtree(made, ignore_errors=True)
    assert out.splitlines() == [f"{made}/mnt", *words[4:]]


def test_enroot_is_told_of_those_variables_alone_that_are_set(tmp_path: Path) -> None:
    fake = tmp_path / "enroot"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$ENROOT_DATA_PATH" "$@"\n')
    fake.chmod(0o755)
    words = command(Enroot, image=str(tmp_path), where=short(tmp_path))
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_JOB_ID": "7", "SLURM_A": "", "TERM": "x"}
    out = subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout
    data, start, *rest = out.splitlines()
    assert (data, start) == (str(tmp_path.parent), "start")
    assert between(rest, "--env=")[:3] == ["SLURM_A", "SLURM_JOB_ID", "TERM"]
    assert rest[rest.index("--") :] == ["--", tmp_path.name, "start", "x"]


def short(home: Path) -> Places:
    return places("{home}", Account("alice", 1, str(home)), "0abc1234", "quickstart-123456")
