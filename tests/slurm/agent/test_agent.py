"""The agent as a program."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from hpcbinderhub.slurm.agent import main


def test_it_runs_on_the_oldest_python_that_login_nodes_have(agent: Path) -> None:
    with zipfile.ZipFile(agent) as archive:
        sources = [name for name in archive.namelist() if name.endswith(".py")]
        assert "agent/workspaces.py" in sources
        for name in sources:
            text = archive.read(name).decode()
            ast.parse(text, name, feature_version=(3, 6))
            assert "from __future__ import annotations" not in text


def test_it_answers_its_hub_alone(agent: Path) -> None:
    for text in ("", "{}", '{"op": "shell", "nonce": "1"}'):
        done = subprocess.run(
            [sys.executable, "-I", agent], input=text, capture_output=True, text=True
        )
        assert done.returncode == 1
        assert done.stdout == ""
        assert "answers its hub's requests, and nothing else" in done.stderr


def test_it_says_that_it_is_there_before_it_does_anything(agent: Path, tmp_path: Path) -> None:
    """By that, the hub tells an operation that takes long from a login shell that hangs."""
    os.mkfifo(tmp_path / "words")
    (tmp_path / "sbatch").write_text(f"#!/bin/sh\nread -r words < {tmp_path}/words; echo $words\n")
    (tmp_path / "sbatch").chmod(0o755)
    request = {"op": "forecast", "nonce": "7f3a", "env": {}, "path": [str(tmp_path)], "options": []}
    with (
        (tmp_path / "words").open("r+b", buffering=0) as words,
        subprocess.Popen(
            [sys.executable, "-I", agent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(request))
        process.stdin.close()
        assert [process.stdout.readline() for _ in range(2)] == ["\n", "7f3a+\n"]
        words.write(b"not before noon\n")
        assert "not before noon" in process.stdout.read()


def test_every_operation_is_where_the_agent_looks_for_it() -> None:
    for place in (main.OPERATIONS | main.ON_ARTEFACTS).values():
        assert callable(main.operation_at(place))


def test_nothing_that_a_start_file_exports_reaches_it_or_what_it_runs(
    agent: Path, tmp_path: Path
) -> None:
    """Each of these would leave a mark, if it were looked at."""
    mark, evil = tmp_path / "owned", tmp_path / "evil"
    evil.mkdir()
    (evil / "env.sh").write_text(f"echo BASH_ENV >> {mark}\n")
    for name in ("json", "sitecustomize", "usercustomize", "startup"):
        (evil / f"{name}.py").write_text(f"open({str(mark)!r}, 'a').write('{name}')\n")
    for name in ("squeue", "python3"):
        (evil / name).write_text(f"#!/bin/sh\necho {name} >> {mark}\n")
        (evil / name).chmod(0o755)
    own = tmp_path / "bin"
    own.mkdir()
    (own / "squeue").write_text(f"#!/bin/bash\nenv > {tmp_path}/given\n")
    (own / "squeue").chmod(0o755)
    exported = {
        "BASH_ENV": str(evil / "env.sh"),
        "ENV": str(evil / "env.sh"),
        "PYTHONPATH": str(evil),
        "PYTHONSTARTUP": str(evil / "startup.py"),
        "PATH": f"{evil}:/usr/bin:/bin",
        "SQUEUE_FORMAT": "nonsense",
        "SLURM_CONF": str(evil / "slurm.conf"),
        "LD_LIBRARY_PATH": str(evil),
    }
    asked = {"op": "observe", "nonce": "7f3a", "jobs": ["7"], "clean": True}
    request = {**asked, "env": {}, "path": [str(own)]}
    agent.chmod(0o755)
    done = subprocess.run(
        [agent], input=json.dumps(request), capture_output=True, text=True, env=exported, cwd=evil
    )
    assert "7f3a {" in done.stdout, done.stderr
    assert not mark.exists(), mark.read_text()
    given = (tmp_path / "given").read_text()
    assert not [name for name in exported if f"\n{name}=" in f"\n{given}" and name != "PATH"]
    assert str(evil) not in given
