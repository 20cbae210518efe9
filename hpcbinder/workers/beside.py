"""The scheduler's process, as the kernel sees it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from . import places
from .errors import WorkersError
from .scheduler import CLOSED, Settings

START_SECONDS = 120.0
END_SECONDS = 10.0


class SchedulerProcess:
    """Started before its keys are known, since importing Dask takes longer than getting them."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self.folder = folder

    @classmethod
    async def warm(cls) -> SchedulerProcess:
        """One that waits for its settings."""
        folder = places.folder_for_one()
        log = os.open(folder / places.LOG, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "hpcbinder.workers.scheduler",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                # Whoever interrupts a cell, or ends a kernel, must not hit it.
                start_new_session=True,
            )
        finally:
            os.close(log)
        return cls(process, folder)

    async def begin(self, name: str, settings: Callable[[Path], Settings]) -> str:
        """The scheduler's address. `settings` are for the folder that it has under its name."""
        self.folder = places.named(self.folder, name)
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(settings(self.folder).text())
            await stdin.drain()
            line = await asyncio.wait_for(stdout.readline(), START_SECONDS)
            said = json.loads(line)
        except (OSError, ValueError, asyncio.TimeoutError):
            raise WorkersError(
                "The scheduler process did not start.",
                "Its log is below. Try again; if it stays so, the environment's Dask is broken.",
                self.log(),
            ) from None
        if "address" not in said:
            raise WorkersError(said["message"], said["advice"], said["detail"])
        return str(said["address"])

    async def gone(self) -> str:
        """Why it ends, as soon as it does: `idle` and the like, or what killed it."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if line:
            return str(json.loads(line)["why"])
        status = await self._process.wait()
        return f"signal {-status}" if status < 0 else f"exit status {status}"

    def log(self) -> str:
        """The end of what it wrote."""
        try:
            return (self.folder / places.LOG).read_text(errors="replace")[-4000:].strip()
        except OSError:
            return ""

    def let_go(self) -> None:
        """The crew is closed, and the process has nobody to tell."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(CLOSED)
            stdin.close()

    async def end(self) -> None:
        """Be gone now."""
        self.let_go()
        try:
            await asyncio.wait_for(self._process.wait(), END_SECONDS)
        except asyncio.TimeoutError:
            self._process.kill()
            await self._process.wait()
        # Its own last act, unless it was killed.
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """As the system knows it."""
        return self._process.pid
