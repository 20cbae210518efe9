"""The agent as it is installed: one file, run by Python for one request."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpcbinderhub.slurm.framing import Answer
from hpcbinderhub.slurm.packing import packed

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file."""
    path = tmp_path_factory.mktemp("agent") / "agent"
    path.write_bytes(packed())
    return path


@pytest.fixture
def ask(agent: Path, tmp_path: Path) -> Ask:
    """`ask(operation, …)`: its answer, or AgentError; `said` is what it printed besides."""

    def run(operation: str, **request: Any) -> dict[str, Any]:
        whole = {"op": operation, "nonce": "7f3a", "env": {}, "path": ["/usr/bin", "/bin"]}
        done = subprocess.run(
            [sys.executable, "-I", agent],
            input=json.dumps(whole | request),
            capture_output=True,
            text=True,
            env={"HOME": str(tmp_path), "PATH": "/nowhere"},
        )
        assert done.stderr == ""
        answer = Answer("7f3a")
        answer.feed(done.stdout.encode())
        return answer.result()

    return run
