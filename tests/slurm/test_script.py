"""What is handed to sbatch: pure functions, so the whole text is here to be read."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jupyterhub.slugs import is_valid_safe_slug

from hpcbinderhub.errors import UserError
from hpcbinderhub.launches.options import LaunchOptions, parse_options
from hpcbinderhub.profiles import Profile
from hpcbinderhub.slurm.script import batch_script, sbatch_options
from hpcbinderhub.trust.reach import Reach
from hpcbinderhub.workspaces import Account, places, workspace_name

ALICE = Account("alice", 2001, "/home/alice")
WHERE = places("{home}/hpcbinder", ALICE, "0abc1234", "quickstart-123456")
OPTIONS = {
    "launch": "0abc1234",
    "profile": "interactive",
    "artefact": "a" * 64,
    "repo_url": "https://example.org/quickstart",
    "ref": "main",
    "commit": "b" * 40,
    "spec": "git/https%3A%2F%2Fexample.org%2Fquickstart/main",
    "workspace": "quickstart-123456",
}


def test_the_places_of_a_launch() -> None:
    assert str(WHERE.launch) == "/home/alice/hpcbinder/launches/0abc1234"
    assert str(WHERE.workspace) == "/home/alice/hpcbinder/workspaces/quickstart-123456/files"
    assert str(WHERE.home) == "/home/alice/hpcbinder/launches/0abc1234/home"
    assert WHERE.shown(Reach.CLOSED) == (WHERE.launch, WHERE.workspace.parent)
    assert [str(path) for path in WHERE.shown(Reach.HOME)] == ["/home/alice"]
    assert str(WHERE.copy_of(WHERE.root)).endswith("0abc1234/view/home/alice/hpcbinder")


def test_a_log_has_a_place_of_its_own_where_the_site_says_so() -> None:
    where = places("{home}/hpcbinder", ALICE, "0abc1234", "q-123456", "/logs/50%/{user}")
    made = Profile(name="p", title="P", partition="batch")
    options = LaunchOptions.model_validate(OPTIONS)
    words = sbatch_options(options, made, made.resources(options), where)
    assert "--output=/logs/50%%/alice/0abc1234/job.log" in words
    assert where.log_apart == "/logs/50%/alice/0abc1234"
    assert WHERE.log_apart == ""


def options_of(profile: dict[str, Any], chosen: dict[str, Any]) -> tuple[str, ...]:
    made = Profile.model_validate({"name": "p", "title": "P", "partition": "batch"} | profile)
    options = LaunchOptions.model_validate(OPTIONS | chosen)
    return sbatch_options(options, made, made.resources(options), WHERE)


COMMON = (
    "--chdir=/home/alice/hpcbinder/launches/0abc1234",
    "--output=/home/alice/hpcbinder/launches/0abc1234/job.log",
    "--open-mode=append",
    "--no-requeue",
    "--signal=B:USR1@120",
)


def test_every_option_is_on_the_command_line() -> None:
    profile = {"partition": "interactive", "qos": "fast", "max_gpus": 2}
    assert options_of(profile, {"account": "geo", "gpus": 1, "minutes": 30}) == (
        "--job-name=hpcbinder-0abc1234",
        "--time=30",
        "--account=geo",
        *COMMON,
        "--partition=interactive",
        "--nodes=1",
        "--ntasks-per-node=1",
        "--cpus-per-task=1",
        "--mem=2048M",
        "--gres=gpu:1",
        "--qos=fast",
    )


def test_slurm_puts_a_job_back_only_where_the_profile_asks_for_it() -> None:
    options = options_of({"requeue": True, "components": [{"partition": "big"}]}, {})
    assert options.count("--requeue") == 2
    assert "--no-requeue" not in options


def test_what_slurm_offers_a_profile_can_offer() -> None:
    profile = {
        "partition": ["gpu", "big"],
        "qos": ["normal", "premium"],
        "constraint": {"any": "", "fast": "milan&ib"},
        "reservation": {"none": "", "course": "course_monday"},
        "gpu_type": ["a100", "h100"],
        "max_gpus": 2,
        "max_cpus": 16,
        "max_memory_mb": 65536,
        "max_nodes": 2,
        "exclusive": True,
        "licenses": ["matlab:1", "ansys@server:2"],
        "slurm_options": {"nice": "100", "spread-job": None},
    }
    chosen = {
        "partition": "big", "qos": "premium", "constraint": "fast", "reservation": "course",
        "gpu_type": "h100", "gpus": 2, "cpus": 16, "memory_mb": 32768, "nodes": 2,
    }  # fmt: skip
    assert options_of(profile, chosen)[2 + len(COMMON) :] == (
        "--partition=big",
        "--nodes=2",
        "--ntasks-per-node=1",
        "--cpus-per-task=16",
        "--mem=32768M",
        "--gres=gpu:h100:2",
        "--qos=premium",
        "--constraint=milan&ib",
        "--reservation=course_monday",
        "--exclusive",
        "--licenses=matlab:1,ansys@server:2",
        "--nice=100",
        "--spread-job",
    )


@pytest.mark.parametrize(
    ("profile", "option"),
    [
        ({"exclusive": "user"}, "--exclusive=user"),
        ({"shared": True}, "--oversubscribe"),
        ({"memory_mb": 0}, "--mem=0M"),
        ({"gpus": 2}, "--gres=gpu:2"),
    ],
)
def test_what_an_admin_fixes_is_on_the_command_line(profile: dict[str, Any], option: str) -> None:
    assert option in options_of(profile, {})


def test_further_components_come_after_the_one_with_the_server() -> None:
    workers = {"partition": "cpu", "nodes": 4, "cpus": 32, "memory_mb": 64000}
    gpus = {"partition": "gpu", "gpus": 4, "gpu_type": "a100", "slurm_options": {"nice": None}}
    words = " ".join(options_of({"components": [workers, gpus]}, {"account": "geo"}))
    server, first, second = words.split(" : ")
    assert server.startswith("--job-name=hpcbinder-0abc1234 --time=60 --account=geo ")
    assert server.endswith("--partition=batch --nodes=1 --ntasks-per-node=1 --cpus-per-task=1 "
                           "--mem=2048M")  # fmt: skip
    assert first.startswith("--job-name=hpcbinder-0abc1234-beside --time=60 --account=geo ")
    assert first.endswith("--partition=cpu --nodes=4 --ntasks-per-node=1 --cpus-per-task=32 "
                          "--mem=64000M")  # fmt: skip
    assert second.endswith("--gres=gpu:a100:4 --nice")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=5))
@settings(deadline=None)
def test_no_word_of_a_command_is_read_by_the_shell(words: list[str]) -> None:
    script = batch_script("", [], ["printf", "%s\\0", *words])
    ran = subprocess.run(["bash"], input=script.encode(), capture_output=True, check=True)
    assert ran.stdout.decode().split("\0")[:-1] == (words or [""])


def test_the_sites_own_lines_come_first_and_then_the_profiles_modules() -> None:
    modules = ["charliecloud/0.40", "cray-mpich"]
    script = batch_script(". /etc/profile.d/lmod.sh\n", modules, ["ch-run", "a b"])
    assert script.splitlines() == [
        "#!/bin/bash",
        "umask 077",
        "trap '' USR1",
        ". /etc/profile.d/lmod.sh",
        "module load charliecloud/0.40 || exit",
        "module load cray-mpich || exit",
        f"exec {shlex.join(['ch-run', 'a b'])}",
    ]


@contextmanager
def running(launch: Path, *command: str, prologue: str = "") -> Iterator[subprocess.Popen[str]]:
    """The script of a launch's job, whose command has said its first line."""
    script = batch_script(prologue, [], command, launch=launch)
    process = subprocess.Popen(
        ["bash", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    with process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


SECONDS = 60.0
"""For what takes moments, unless the machine is busy."""


def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)


# No server ends in the instant in which it is told; Bash might lose how it did (see `STAY`).
SERVER = (
    "trap 'exit 6' USR1; trap 'echo told; sleep 1; exit 7' TERM; "
    "echo up; while :; do sleep 0.05; done"
)
SLOW_TO_END = (
    "trap 'echo told; sleep 1; ended=1' TERM; echo up; "
    "while [[ ! ${ended-} ]]; do sleep 0.05; done; exit 7"
)


@pytest.mark.parametrize("prologue", ["", "set -eu"])
def test_slurms_word_becomes_a_file_each_time_and_the_server_goes_on(
    tmp_path: Path, prologue: str
) -> None:
    launch = tmp_path / "a launch's"
    launch.mkdir()
    near = launch / "end-is-near"
    with running(launch, "bash", "-c", SERVER, prologue=prologue) as process:
        for _ in range(2):
            process.send_signal(signal.SIGUSR1)
            until(near.exists)
            near.rmdir()
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGTERM)
        said, _ = process.communicate(timeout=SECONDS)
    assert (said, process.returncode) == ("told\n", 7)


@pytest.mark.parametrize("prologue", ["", "set -eu"])
def test_a_server_is_told_once_that_it_ends_whomever_slurm_tells(
    tmp_path: Path, prologue: str
) -> None:
    """With `proctrack/cgroup`, Slurm tells the script alone; otherwise, all at once."""
    for tell in (os.kill, os.killpg):
        with running(tmp_path, "bash", "-c", SLOW_TO_END, prologue=prologue) as process:
            tell(process.pid, signal.SIGTERM)
            said, _ = process.communicate(timeout=SECONDS)
        assert (said, process.returncode) == ("told\n", 7), tell


def anybody(group: int) -> bool:
    """Whether there is a process in this group."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_a_script_began_beside_its_server_ends_with_it(tmp_path: Path) -> None:
    with running(tmp_path, "bash", "-c", "echo up; read; exit 3") as process:
        assert process.wait(SECONDS) == 3
        until(lambda: not anybody(process.pid))


@pytest.mark.parametrize("prologue", ["", "set -eu"])
def test_a_launchs_keys_go_when_its_command_has_ended(tmp_path: Path, prologue: str) -> None:
    launch, precious = tmp_path / "a launch's", tmp_path / "precious"
    precious.write_text("mine")
    (launch / "server-client.pem").mkdir(parents=True)
    (launch / "server-key.pem").write_text("PRIVATE KEY")
    (launch / "server-certificate.pem").symlink_to(precious)
    with running(launch, "bash", "-c", SERVER, prologue=prologue) as process:
        assert (launch / "server-key.pem").exists()
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(SECONDS) == 7
    # What somebody put in the way of one is no reason to end otherwise.
    assert [path.name for path in launch.iterdir()] == ["server-client.pem"]
    assert precious.read_text() == "mine"


def test_no_link_leads_the_word_to_somebody_elses_file(tmp_path: Path) -> None:
    """The script runs outside of the container, whose code can write into the directory."""
    precious, absent = tmp_path / "precious", tmp_path / "absent"
    precious.write_text("mine")
    near = tmp_path / "end-is-near"
    tells = 'mkdir() { command mkdir "$@"; echo heard; }'
    with running(tmp_path, "bash", "-c", SERVER, prologue=tells) as process:
        assert process.stdout
        for target in (precious, absent):
            near.symlink_to(target)
            process.send_signal(signal.SIGUSR1)
            assert process.stdout.readline() == "heard\n"
            near.unlink()
        process.send_signal(signal.SIGUSR1)
        assert process.stdout.readline() == "heard\n"
        assert near.is_dir()
    assert precious.read_text() == "mine"
    assert not absent.exists()


def test_the_job_ends_as_its_server_does(tmp_path: Path) -> None:
    for script, code in (("echo; exit 0", 0), ("echo; exit 3", 3), ("echo; kill -9 $$", 137)):
        with running(tmp_path, "bash", "-c", script) as process:
            assert process.wait(SECONDS) == code


def test_what_an_engine_leaves_to_itself_ignores_the_word(tmp_path: Path) -> None:
    with running(tmp_path, "bash", "-c", "trap; echo; kill -USR1 $$; exit 4") as process:
        assert process.wait(SECONDS) == 4


def test_fixed_variables_are_set_before_the_sites_own_lines() -> None:
    script = batch_script("echo $no_proxy", [], ["true"], {"no_proxy": "a b; $(id)"})
    assert script.splitlines()[2:4] == ["trap '' USR1", "export no_proxy='a b; $(id)'"]
    ran = subprocess.run(["bash"], input=script, capture_output=True, check=True, text=True)
    assert ran.stdout == "a b; $(id)\n"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account", "--uid=0"),
        ("account", "geo\n#SBATCH --uid=0"),
        ("profile", "$(id)"),
        ("artefact", "../../../etc/passwd"),
        ("launch", "x; id"),
        ("workspace", "../../.ssh"),
        ("commit", "main"),
        ("minutes", 0),
        ("cpus", 0),
        ("cpus", "1 --uid=0"),
        ("memory_mb", -1),
        ("gpu_type", "a100:8,license:1"),
        ("partition", "a b"),
        ("partition", "-p"),
        ("qos", "--uid=0"),
        ("constraint", "a&b"),
        ("reservation", "x\n#SBATCH --uid=0"),
        ("licenses", "matlab:1"),
        ("slurm_options", {"uid": "0"}),
        ("reach", "everything"),
        ("reach", "/etc"),
        ("open", "a\nb"),
        ("cmd", "id"),
        ("prologue", "id"),
    ],
)
def test_what_is_not_in_the_model_does_not_get_in(field: str, value: object) -> None:
    with pytest.raises(UserError, match=field):
        parse_options(OPTIONS | {field: value})


def test_a_workspace_has_a_readable_name_of_its_own() -> None:
    one = workspace_name("https://github.com/org/My_Repo.git")
    other = workspace_name("https://github.com/other/My_Repo.git")
    assert one.startswith("my-repo-")
    assert one != other


@given(st.text())
@example("2024-course")
@example("a-rather-long-name-of-a-repository-with-words")
@example("twenty-two-characters-x-y")
def test_it_is_a_name_that_jupyterhub_starts_servers_by(name: str) -> None:
    assert is_valid_safe_slug(workspace_name(f"https://github.com/org/{name}"))
