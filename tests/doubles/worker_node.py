"""Nodes of a crew that are processes of this machine: the launcher as it runs on a node, which
`ProcessNodes` starts and ends as Slurm would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class ProcessNodes:
    """Nodes by their id."""

    def __init__(
        self, python: Path | str = sys.executable, lost_contact_seconds: float = 20
    ) -> None:
        self.python = python
        self.lost_contact_seconds = lost_contact_seconds
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._folder = tempfile.TemporaryDirectory()

    def start(self, grant: Mapping[str, Any]) -> None:
        """A launcher that gets its grant, keys included, over its standard input."""
        node = grant["node"]
        place = Path(self._folder.name, node)
        place.mkdir()
        process = subprocess.Popen(
            [self.python, "-m", "hpcbinder.node", "--grant", "0"],
            cwd=place,
            env={**os.environ, "TMPDIR": str(place)},
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdin
        whole = {"env": {}, "workspace": str(place), "home": str(place), **grant}
        whole["log"] = str(place / "node.log")
        whole["lost_contact_seconds"] = self.lost_contact_seconds
        process.stdin.write(json.dumps({"grant": whole}).encode())
        process.stdin.close()
        self.processes[node] = process

    def end(self, node: str) -> None:
        """As `scancel` does; it may be gone already."""
        process = self.processes.get(node)
        if process and process.poll() is None:
            process.send_signal(signal.SIGTERM)

    def kill(self, node: str) -> None:
        """As when a node dies, workers and all."""
        process = self.processes[node]
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)

    def left(self) -> list[str]:
        """Those that still run, some seconds after they were to end."""
        return [node for node, process in self.processes.items() if _runs(process)]

    def end_all(self) -> None:
        """Whatever happened before."""
        for node, process in self.processes.items():
            self.kill(node)
            process.wait()
        self._folder.cleanup()


def _runs(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        return True
    return False
