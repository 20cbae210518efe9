"""The server's environment: the image's, and nothing that the user's own home could slip in."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from compute_node import SYSTEM_PATH, Node
from hypothesis import given
from hypothesis import strategies as st

from hpcbinder.environment import base, complete
from hpcbinder.login import merged_path


def test_the_image_the_hub_and_we_decide_in_this_order(node: Node) -> None:
    node.image_env.update(
        {"CONDA_PREFIX": "/srv/conda", "BINDER_REPO_URL": "stale", "HOME": "/home/jovyan"}
    )
    node.image_env.update(
        {"USER": "jovyan", "PYTHONNOUSERSITE": "", "NVIDIA_VISIBLE_DEVICES": "all"}
    )
    launch = node.launch()
    job = {"SLURM_CPUS_PER_TASK": "4", "NVIDIA_VISIBLE_DEVICES": "2", "CONDA_PREFIX": "/opt/site"}
    env = launch.run(job).started["env"]

    assert env["CONDA_PREFIX"] == "/srv/conda"
    assert env["BINDER_REPO_URL"] == "https://example.org/soundings.git"
    assert env["PYTHONNOUSERSITE"] == "1"
    assert env["PATH"].startswith(node.image_env["PATH"])
    assert (env["USER"], env["HOME"]) == ("ada", launch.grant["home"])
    assert (env["SLURM_JOB_ID"], env["SLURM_CPUS_PER_TASK"]) == ("4711", "4")
    assert env["NVIDIA_VISIBLE_DEVICES"] == "2"


def test_what_programs_keep_of_a_user_is_the_launchs_own(node: Node) -> None:
    launch = node.launch()
    env = launch.run().started["env"]
    kept = ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"]
    kept += ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR"]
    for name in kept:
        assert Path(env[name]).is_relative_to(launch.grant["home"])


def test_dask_spills_on_the_node(node: Node) -> None:
    env = node.launch().run().started["env"]
    spill = Path(env["DASK_TEMPORARY_DIRECTORY"])
    assert spill.parent == node.scratch
    assert spill.stat().st_mode & 0o777 == 0o700
    assert env["TMPDIR"] == str(node.scratch)


def test_a_scratch_directory_that_the_container_has_not_is_forgotten(node: Node) -> None:
    env = node.launch().run({"TMPDIR": "/local/scratch/4711"}).started["env"]
    assert "TMPDIR" not in env
    assert env["DASK_TEMPORARY_DIRECTORY"].startswith("/tmp/hpcbinder-dask-")
    Path(env["DASK_TEMPORARY_DIRECTORY"]).rmdir()


def test_a_poisoned_home_changes_nothing(node: Node, tmp_path: Path) -> None:
    home = tmp_path / "real-home"
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    trap = f"open({str(home / 'sprung')!r}, 'w')\n"
    files = {
        ".bashrc": "export POISON=rc\n",
        ".bash_profile": "export POISON=profile\nexit 1\n",
        ".profile": "export POISON=profile\n",
        "env.sh": "export POISON=env\n",
        f".local/lib/{python}/site-packages/usercustomize.py": trap,
        f".local/lib/{python}/site-packages/trustme.pth": f"import sys; {trap}",
        ".local/bin/jupyterhub-singleuser": "#!/bin/sh\nexit 9\n",
        ".local/bin/git": "#!/bin/sh\nexit 9\n",
        ".local/bin/bash": "#!/bin/sh\nexit 9\n",
        ".jupyter/jupyter_server_config.py": trap,
    }
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    clean = node.launch("clean").run().started
    poisoned = node.launch("poisoned")
    node.hub.replies["/claim"] = [(200, poisoned.grant)]
    job = {"HOME": str(home), "PATH": f"{home}/.local/bin:{SYSTEM_PATH}", "POISON": "job"}
    job |= {"BASH_ENV": f"{home}/env.sh", "ENV": f"{home}/env.sh", "CONDA_PREFIX": str(home)}
    job |= {"JUPYTER_PATH": str(home), "LD_LIBRARY_PATH": f"{home}/lib", "IPYTHONDIR": str(home)}
    server = poisoned.run(job).started

    assert not (home / "sprung").exists()
    assert str(home) not in str(server)
    assert set(server["env"]) == set(clean["env"])
    assert server["env"]["PATH"] == clean["env"]["PATH"]


def test_what_the_build_installed_for_its_user_counts(node: Node, tmp_path: Path) -> None:
    assert "PYTHONUSERBASE" not in node.launch("without").run().started["env"]
    node.leave_in_home(".local/lib/python3.8/site-packages/mine.py")
    launch = node.launch("with")
    node.hub.replies["/claim"] = [(200, launch.grant)]
    env = launch.run({"HOME": str(tmp_path)}).started["env"]
    assert "PYTHONNOUSERSITE" not in env
    assert env["PYTHONUSERBASE"] == str(node.image_home / ".local")


def test_kernels_are_looked_for_in_the_image(node: Node) -> None:
    node.image_env["JUPYTER_PATH"] = "/opt/its/own"
    node.python = "/usr/bin/python3"
    env = node.launch().run().started["env"]
    assert env["JUPYTER_PATH"] == f"{node.image}/share/jupyter:/opt/its/own"
    assert env["HPCBINDER_PYTHON"] == "/usr/bin/python3"
    assert env["HPCBINDER_REPO"] == str(node.repo_dir)
    assert env["HPCBINDER_WORKSPACE"] == str(node.workspace)


@pytest.mark.parametrize(
    "name", ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "LD_PRELOAD", "BASH_ENV", "MODULEPATH"]
)
def test_nothing_that_loads_code_is_taken_from_the_job(name: str) -> None:
    assert name not in complete(base({name: "/home/ada/x"}, {}), {}, {}, Path("/launch/home"))


def test_libraries_that_the_engine_mounts_come_before_the_images() -> None:
    job = {"LD_LIBRARY_PATH": "/home/ada/lib:/opt/udiImage/modules/mpich/lib64::/usr/lib"}
    assert base(job, {"LD_LIBRARY_PATH": "/srv/lib"})["LD_LIBRARY_PATH"] == (
        "/opt/udiImage/modules/mpich/lib64:/srv/lib"
    )
    assert "LD_LIBRARY_PATH" not in base({"LD_LIBRARY_PATH": "/home/ada/lib"}, {})
    job["HPCBINDER_LIBRARY_PATH"] = "/opt/mpi/lib:/opt/mpi/dep"
    assert base(job, {"LD_LIBRARY_PATH": "/srv/lib"})["LD_LIBRARY_PATH"] == (
        "/opt/mpi/lib:/opt/mpi/dep:/opt/udiImage/modules/mpich/lib64:/srv/lib"
    )


def profile(node: Node, text: str) -> None:
    """Give the image a bash that reads `text` as the image's /etc/profile."""
    node.program("etc-profile", text)
    node.program("bash", f'#!/bin/sh\n. {node.image}/bin/etc-profile\nexec /bin/bash "$@"\n')


def test_the_images_profile_is_applied_as_its_entrypoint_would(node: Node) -> None:
    node.image_env["CONDA_SHLVL"] = "0"
    node.image_env["STALE"] = "yes"
    profile(
        node,
        "echo Welcome aboard; unset STALE\n"
        "export CONDA_SHLVL=1 PROJ_DATA='two\nlines' CACHE=$HOME/cache BINDER_REPO_URL=mine\n"
        "export PATH=/srv/conda/envs/nb/bin:$HOME/.local/bin:$PATH\n",
    )
    launch = node.launch()
    outcome = launch.run()
    env = outcome.started["env"]

    assert env["CONDA_SHLVL"] == "1"
    assert env["PROJ_DATA"] == "two\nlines"
    assert env["CACHE"] == f"{launch.grant['home']}/cache"
    assert env["BINDER_REPO_URL"] == "https://example.org/soundings.git"
    assert "STALE" not in env
    assert node.image_env["PATH"] in env["PATH"]
    assert ".local" not in env["PATH"]
    assert "Welcome aboard" in outcome.log


@pytest.mark.parametrize("text", ["exit 1\n", "exec true\n", "exec /no/such/program\n"])
def test_a_login_shell_that_fails_is_only_a_warning(node: Node, text: str) -> None:
    profile(node, text)
    outcome = node.launch().run()
    assert "environment: The image's login shell failed" in outcome.log
    assert outcome.started["env"]["LANG"] == "C.UTF-8"


def test_an_image_without_bash_needs_none(node: Node) -> None:
    git_alone = node.image / "bin" / "git"
    git_alone.symlink_to("/usr/bin/git")
    node.image_env["PATH"] = f"{node.image}/bin"
    outcome = node.launch().run()
    assert outcome.started["env"]["PATH"] == f"{node.image}/bin"
    assert "login shell failed" in outcome.log


def test_debians_profile_does_not_lose_the_images_path() -> None:
    debian = "/usr/local/sbin:/usr/local/bin:/usr/bin:/bin:/usr/games"
    image = "/srv/conda/bin:/usr/local/bin:/usr/bin:/bin"
    assert merged_path(image, debian, "/launch/login") == f"{image}:/usr/local/sbin:/usr/games"
    activated = f"/srv/conda/envs/nb/bin:{debian}"
    assert merged_path(image, activated, "/launch/login") == (
        f"/srv/conda/envs/nb/bin:{image}:/usr/local/sbin:/usr/games"
    )


search_paths = st.lists(st.sampled_from(["/a", "/bin", "/c", "/d", "/launch/login/bin", ""])).map(
    ":".join
)


@given(search_paths, search_paths)
def test_the_images_path_stays_unbroken(image: str, login: str) -> None:
    merged = merged_path(image, login, "/launch/login")
    assert image in merged
    added = set(merged.split(":")) - set(image.split(":"))
    assert added == {e for e in login.split(":") if e and not e.startswith("/launch")} - set(
        image.split(":")
    )
