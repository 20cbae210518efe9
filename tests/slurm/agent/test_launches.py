"""What goes of launches that are over, and what stays. The files are real; `squeue` is not."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from hpcbinderhub.slurm.framing import AgentError

from .conftest import Ask
from .test_jobs import Program, program, site

__all__ = ["program", "site"]

DAY = 24 * 3600
KEYS = ("server-key.pem", "server-certificate.pem", "server-client.pem")
OURS = ("job.log", "submit.lock", "ca-bundle.pem", "intent", *KEYS)


class Home:
    """A user's folder of launches."""

    def __init__(self, path: Path) -> None:
        self.root = path / "launches"
        self.root.mkdir()

    def launch(self, days: float = 100, job: str = "7", **files: str) -> Path:
        """One that began so many days ago, with what it always has and these files."""
        name = f"{int(time.time() - days * DAY):08x}{len(os.listdir(self.root)):010x}"
        folder = self.root / name
        for place in ("home/.cache/fonts", "home/.ipython/profile_default/security", "login"):
            (folder / place).mkdir(parents=True)
        (folder / "view/home/alice").mkdir(parents=True)
        (folder / "home/.cache/fonts/list").write_text("many")
        (folder / "login/.profile-was-here").touch()
        (folder / "job").write_text(job)
        for each in OURS:
            (folder / each).write_text("x")
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return self.age(folder, days)

    def age(self, folder: Path, days: float) -> Path:
        """Nothing in it has changed since then."""
        then = time.time() - days * DAY
        for path in (*folder.iterdir(), folder):
            os.utime(path, (then, then), follow_symlinks=False)
        return folder

    def left(self, folder: Path) -> list[str]:
        """The files and links that are there."""
        found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
        return sorted(str(path.relative_to(folder)) for path in found)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def sweep(ask: Ask, home: Home, program: Program, site: dict[str, object]) -> Ask:
    program("squeue", "true")
    return lambda **request: ask(
        "sweep-launches", **{"root": str(home.root), "days": 90, **site, **request}
    )


def queue(*rows: tuple[str, str]) -> str:
    """`squeue`, with the numbers of jobs and where they work."""
    return "\n".join(f"printf '%s\\037%s\\n' {job} {place}" for job, place in rows)


def test_a_launch_of_long_ago_leaves_nothing(sweep: Ask, home: Home) -> None:
    old, recent = home.launch(100), home.launch(80)
    before = home.left(recent)
    assert sweep() == {"gone": 1}
    assert not old.exists()
    assert home.left(recent) == before


def test_nodes_of_workers_leave_neither_logs_nor_signs(sweep: Ask, home: Home) -> None:
    old, recent, kept = home.launch(100), home.launch(80), home.launch(100)
    for folder in (old, recent, kept):
        logs = Path(f"{folder}-logs")
        logs.mkdir()
        for name in ("job.log", "node-0.log", "node-31.log"):
            (logs / name).write_text("x")
        (folder / "end-is-near-31").mkdir()
        home.age(folder, 80 if folder == recent else 100)
    (Path(f"{kept}-logs") / "notes.txt").write_text("mine")
    assert sweep() == {"gone": 2}
    assert set(home.root.iterdir()) == {recent, Path(f"{recent}-logs"), Path(f"{kept}-logs")}
    assert len(home.left(Path(f"{recent}-logs"))) == 3
    assert home.left(Path(f"{kept}-logs")) == ["notes.txt"]


@pytest.mark.parametrize(
    "work",
    [
        "home/results.csv",
        "home/.ipython/profile_default/history.sqlite",
        "home/.bash_history",
        "home/.ssh/id_ed25519",
        "home/.local/share/jupyter/kernels/mine/kernel.json",
        "view/home/alice/notes.txt",
        "notes.txt",
    ],
)
def test_what_she_saved_stays(sweep: Ask, home: Home, work: str) -> None:
    folder = home.launch(100, **{work: "a week's work"})
    assert sweep() == {"gone": 0}
    assert home.left(folder) == [work]
    assert (folder / work).read_text() == "a week's work"


def test_a_job_that_waits_or_runs_is_left_alone(sweep: Ask, home: Home, program: Program) -> None:
    by_number, by_place, over = home.launch(job="11"), home.launch(job="garbage"), home.launch()
    program("squeue", queue(("11", "/elsewhere"), ("12", str(by_place))))
    before = [home.left(folder) for folder in (by_number, by_place)]
    assert sweep() == {"gone": 1}
    assert [home.left(folder) for folder in (by_number, by_place)] == before
    assert not over.exists()


@pytest.mark.parametrize("squeue", ["echo 'slurm_load_jobs error' >&2; exit 1", "echo made up"])
def test_nothing_goes_while_slurm_cannot_tell_what_runs(
    sweep: Ask, home: Home, program: Program, squeue: str
) -> None:
    folder = home.launch()
    before = home.left(folder)
    program("squeue", squeue)
    with pytest.raises(AgentError):
        sweep()
    assert home.left(folder) == before


def test_a_folder_in_which_something_changed_lately_is_left_alone(sweep: Ask, home: Home) -> None:
    folder = home.launch()
    (folder / "job.log").write_text("It goes on.")
    assert sweep() == {"gone": 0}
    assert set(OURS) <= set(home.left(folder))


def test_what_is_no_launchs_folder_is_left_alone(sweep: Ask, home: Home, tmp_path: Path) -> None:
    precious = home.age(home.launch().rename(home.root / "precious"), 100)
    name = f"{int(time.time() - 100 * DAY):08x}{9:010x}"
    target = home.launch().rename(tmp_path / "elsewhere")
    (home.root / name).symlink_to(home.age(target, 100))
    assert sweep() == {"gone": 0}
    for folder in (precious, target):
        assert set(OURS) <= set(home.left(folder))


@pytest.mark.parametrize(
    "link", ["login", "view", "home", "home/.cache", "home/.ipython", "home/.local"]
)
def test_no_link_of_the_launchs_code_leads_out(
    sweep: Ask, home: Home, tmp_path: Path, link: str
) -> None:
    hers = tmp_path / "hers"
    for place in ("share/jupyter/runtime", "profile_default/security", ".cache", "fonts", "empty"):
        (hers / place).mkdir(parents=True)
        (hers / place / "precious").touch()
    (hers / "empty/precious").unlink()
    before = sorted(hers.rglob("*"))
    folder = home.launch()
    subprocess.run(["rm", "-rf", folder / link], check=True)
    (folder / link).symlink_to(hers)
    home.age(folder, 100)
    sweep()
    assert sorted(hers.rglob("*")) == before
    assert not set(OURS) & set(home.left(folder))


def test_what_cannot_be_removed_keeps_nothing_else(sweep: Ask, home: Home) -> None:
    folder = home.launch()
    deep = folder / "home/.cache/fonts" / "/".join("d" * 80)
    deep.mkdir(parents=True)
    (folder / "job.log").unlink()
    (folder / "job.log").mkdir()
    (folder / "job.log/mine").touch()
    home.age(folder, 100)
    assert sweep() == {"gone": 0}
    assert set(home.left(folder)) <= {"job.log/mine", "home/.cache/fonts/list"}


@pytest.mark.parametrize(
    ("run", "gone"),
    [
        ({"host": "another", "boot": "b", "pid": 1, "start": 1}, 0),
        ({"host": os.uname().nodename, "boot": "before", "pid": 1, "start": 1}, 1),
        ({"nonsense": True}, 0),
    ],
)
def test_a_login_nodes_server_is_over_when_that_node_knows(
    sweep: Ask, home: Home, run: dict[str, object], gone: int
) -> None:
    home.launch(run=json.dumps(run))
    assert sweep() == {"gone": gone}
    home.launch(run=json.dumps(run), ended="{}")
    assert sweep() == {"gone": 1}


def test_a_site_of_login_nodes_alone_needs_no_slurm(ask: Ask, home: Home) -> None:
    folder = home.launch(ended="{}", run=json.dumps({"host": "another"}))
    (folder / "intent").unlink()
    home.age(folder, 100)
    assert ask("sweep-launches", root=str(home.root), days=90, path=["/usr/bin", "/bin"]) == {
        "gone": 1
    }


def test_the_keys_of_a_server_that_has_ended_go_at_once(
    ask: Ask, home: Home, tmp_path: Path
) -> None:
    folder = home.launch(1)
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (folder / "server-key.pem").unlink()
    (folder / "server-key.pem").symlink_to(precious)
    assert ask("clear-keys", directory=str(folder)) == {"removed": 3}
    assert not set(KEYS) & set(home.left(folder))
    assert "job.log" in home.left(folder)
    assert precious.read_text() == "mine"
    assert ask("clear-keys", directory=str(folder)) == {"removed": 0}
