"""A launch is submitted where there is room for its files, and nowhere else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from slurm.agent.conftest import Ask

from hpcbinderhub.slurm.framing import AgentError
from hpcbinderhub.slurm.refusals import explain

QUOTA = """Disk quotas for user ada (uid 2001):
     Filesystem   space   quota   limit   grace   files   quota   limit   grace
 nfs:/home {used}  1000000 1200000       0    {files}       0     5000       0
"""


def commands(folder: Path, **scripts: str) -> list[str]:
    folder.mkdir()
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return [str(folder), "/usr/bin", "/bin"]


def submit(ask: Ask, tmp_path: Path, quota: str, **more: object) -> str:
    path = commands(
        tmp_path / "bin", sbatch="cat >/dev/null; echo 7", quota=f"cat <<'END'\n{quota}END"
    )
    answer = ask(
        "submit", path=path, name="hpcbinder-x", directory=str(tmp_path / "home/launches/x"),
        directories=[], log="", options=[], script="#!/bin/sh\n", claim={"ticket": "t"},
        **{"roots": [str(tmp_path / "home")], "free_mb": 50, **more},
    )  # fmt: skip
    return str(answer["job"])


def test_with_room_by_quota_and_file_system_a_job_is_submitted(ask: Ask, tmp_path: Path) -> None:
    assert submit(ask, tmp_path, QUOTA.format(used=100, files=12)) == "7"


@pytest.mark.parametrize(
    ("used", "files", "words"),
    [
        (999_000, 12, "0 MiB are left in {home}, and a launch needs 50"),
        ("1100000*", 12, "0 MiB are left in {home}, and a launch needs 50"),
        (100, 4990, "10 more files can be made in {home}, and a launch needs 100"),
    ],
)
def test_a_full_home_gets_a_sentence_and_no_job(
    ask: Ask, tmp_path: Path, used: object, files: int, words: str
) -> None:
    with pytest.raises(AgentError) as error:
        submit(ask, tmp_path, QUOTA.format(used=used, files=files))
    told = explain(error.value)
    expected = words.format(home=tmp_path / "home")
    assert (told.message, told.status) == (f"Your storage is full: {expected}.", 507)
    assert not (tmp_path / "home/launches/x/job").exists()
    assert not (tmp_path / "home/launches/x/claim.json").exists()


def test_a_full_file_system_is_full_without_a_quota_too(ask: Ask, tmp_path: Path) -> None:
    beyond = shutil.disk_usage(tmp_path).total // 2**20 + 1
    with pytest.raises(AgentError, match=f"and a launch needs {beyond}"):
        submit(ask, tmp_path, "", free_mb=beyond)
