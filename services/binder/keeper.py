"""Keeps the serving process running, since whoever waits for a page will not wait for the hub.

JupyterHub looks every thirty seconds whether the services that it started are still there. So what
it starts does nothing but start another process, and start it again at once when that ends by
itself. One that ends as soon as it begins is left to the hub's slower way.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

CHECK_SECONDS = 1.0
END_SECONDS = 15.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)
KEEPER = "HPCBINDERHUB_KEEPER"


def keep(command: Sequence[str], steady_seconds: float = 20.0) -> int:
    """Run a command until we are told to stop or the hub is gone; its last status."""
    hub = os.getppid()
    told: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def stop(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        if process:
            process.terminate()

    # Before there is anything that could outlive us.
    for number in SIGNALS:
        signal.signal(number, stop)
    while True:
        began = time.monotonic()
        process = subprocess.Popen(command, env={**os.environ, KEEPER: str(os.getpid())})
        if told:  # While there was no process to tell it to.
            process.terminate()
        status = _watch(process, hub)
        if told or os.getppid() != hub or time.monotonic() - began < steady_seconds:
            return status
        _say(f"The service ended with status {status}. It is started again.")


def _watch(process: subprocess.Popen[bytes], hub: int) -> int:
    """The status with which a process ends, or is ended when the hub was killed: the hub's
    successor starts another of us, which needs the port, and our token is worth nothing."""
    while True:
        try:
            return process.wait(CHECK_SECONDS)
        except subprocess.TimeoutExpired:
            if os.getppid() != hub:
                _say("The hub is gone; its next start brings a new service.")
                return _end(process)


def _end(process: subprocess.Popen[bytes]) -> int:
    """One that does not end by itself would keep the port from the next hub's service."""
    process.terminate()
    try:
        return process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _say(sentence: str) -> None:
    """Whoever read our words may be gone with the hub; that must keep nobody from ending."""
    with suppress(OSError):
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()


async def told_to_stop() -> None:
    """What is kept calls this: it returns on SIGTERM or SIGINT, or when its keeper is gone, since
    another one will be started, which needs the port. Who the keeper is, the keeper has said: it
    may have been gone before anybody here could look."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    keeper = int(os.environ.get(KEEPER, os.getppid()))
    while not stopped.is_set() and os.getppid() == keeper:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await stopped.wait()
        except TimeoutError:
            continue
    if not stopped.is_set():
        _say("The process that kept this one is gone.")
