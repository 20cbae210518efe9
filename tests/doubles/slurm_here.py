#!/usr/bin/env python3
"""`sbatch`, `squeue` and `scancel` of a cluster whose nodes are processes of this machine.

Installed under their names by `install`; what they know is in the folder above theirs. Like Slurm
with `--export=NONE`, they give a job nothing of the submitter's environment.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(sys.argv[0]).absolute().parent.parent


def install(folder: Path) -> Path:
    """The programs; their folder is for PATH."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name in ("sbatch", "squeue", "scancel"):
        program = programs / name
        program.write_text(f"#!{sys.executable}\n" + Path(__file__).read_text())
        program.chmod(0o755)
    return programs


def hold(folder: Path) -> None:
    """What is submitted from now on waits."""
    (folder / "held").touch()


def refuse(folder: Path, words: str) -> None:
    """What is submitted from now on is refused."""
    (folder / "refused").write_text(words)


def jobs(folder: Path) -> dict[str, Any]:
    """All that was submitted, by element."""
    path = folder / "jobs.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def living(job: dict[str, Any]) -> bool:
    """Whether its process is there and no mere entry of the process table."""
    try:
        state = Path(f"/proc/{job['pid']}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _keep(found: dict[str, Any]) -> None:
    # In one step, since somebody may be reading it.
    new = HERE / "jobs.new"
    new.write_text(json.dumps(found))
    new.rename(HERE / "jobs.json")


def _options(words: list[str]) -> tuple[dict[str, str], list[str]]:
    options = dict(word[2:].partition("=")[::2] for word in words if word.startswith("--"))
    return options, [word for word in words if not word.startswith("-")]


def sbatch(words: list[str]) -> None:
    if (HERE / "refused").exists():
        sys.exit((HERE / "refused").read_text())
    options, _ = _options(words)
    found = jobs(HERE)
    number = str(100 + len({element.partition("_")[0] for element in found}))
    script = HERE / f"script-{number}"
    script.write_text(sys.stdin.read())
    first, last = map(int, options["array"].split("-"))
    for task in range(first, last + 1):
        job = {"name": options["job-name"], "state": "PENDING", "pid": 0, "options": words}
        if not (HERE / "held").exists():
            job |= {"state": "RUNNING", "pid": _start(script, number, task, options)}
        found[f"{number}_{task}"] = job
    _keep(found)
    print(number)


def _start(script: Path, number: str, task: int, options: dict[str, str]) -> int:
    environment = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], "SLURM_JOB_ID": "999"}
    environment |= {"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": str(task)}
    with open(options["output"].replace("%A", number).replace("%a", str(task)), "wb") as log:
        return subprocess.Popen(
            ["/bin/sh", script],
            env=environment,
            cwd=options["chdir"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ).pid


def squeue(words: list[str]) -> None:
    options, _ = _options(words)
    for element, job in jobs(HERE).items():
        if job["name"] != options["name"] or job["state"] == "CANCELLED":
            continue
        number, _, task = element.partition("_")
        if job["state"] == "PENDING":
            print(f"{number}|{task}|PENDING||2030-01-01T00:00:00|N/A|Priority")
        elif living(job):
            print(f"{number}|{task}|RUNNING|c{task}|2026-01-01T00:00:00|N/A|None")


def scancel(words: list[str]) -> None:
    options, elements = _options(words)
    found = jobs(HERE)
    for element, job in found.items():
        if job["name"] == options.get("name") or element in elements:
            if job["state"] == "RUNNING" and living(job):
                os.kill(job["pid"], signal.SIGTERM)
            job["state"] = "CANCELLED"
    _keep(found)


if __name__ == "__main__":
    with (HERE / "lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        known = {"sbatch": sbatch, "squeue": squeue, "scancel": scancel}
        known[Path(sys.argv[0]).name](sys.argv[1:])
