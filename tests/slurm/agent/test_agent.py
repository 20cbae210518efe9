"""The agent as a program."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path


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
