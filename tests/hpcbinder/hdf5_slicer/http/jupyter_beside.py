"""A real Jupyter server with the slicer, in a folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

TOKEN = "for-these-tests"


class Server:
    """`jupyter server`, and a client that may use it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.files.mkdir(parents=True)
        self.outside = folder / "outside"
        self.outside.mkdir()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                *(
                    "--ServerApp.port=0",
                    "--ServerApp.ip=127.0.0.1",
                    "--ServerApp.base_url=/user/anna/",
                ),
                *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={self.files}"),
                "--ServerApp.jpserver_extensions={'hpcbinder.slicer': True}",
                *options,
            ],
            cwd=self.files,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self._places()},
        )
        self.log: list[str] = []
        self.url = self._says_where()
        self.client = httpx.Client(
            base_url=f"{self.url}hpcbinder/slicer/",
            headers={"Authorization": f"token {TOKEN}"},
            timeout=60,
        )
        self._wait_until_it_listens()

    def get(self, do: str, /, **parameters: Any) -> httpx.Response:
        return self.client.get(do, params=parameters)

    def end(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.communicate(timeout=60)

    def _places(self) -> dict[str, str]:
        names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        return {name: str(self.folder / name.lower()) for name in names}

    def _says_where(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            if found := re.search(r"(http://127\.0\.0\.1:\d+/user/anna/)", line):
                return found[1]
        raise AssertionError("".join(self.log))

    def _wait_until_it_listens(self) -> None:
        """It says where it listens before it does."""
        end = time.monotonic() + 60
        while True:
            try:
                self.client.get(f"{self.url}api").raise_for_status()
            except httpx.ConnectError:
                assert self.process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)
            else:
                return


def children(pid: int) -> list[int]:
    """The reading process alone: no kernel runs here."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]
