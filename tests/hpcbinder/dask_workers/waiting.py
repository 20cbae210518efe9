"""What tests of things that happen by themselves need."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any


def until(what: Callable[[], Any], seconds: float = 90.0) -> Any:
    """What `what` returns, as soon as that is something."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.05)
    return found


async def until_async(what: Callable[[], Any], seconds: float = 90.0) -> Any:
    """The same, where an event loop has to go on."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "It did not happen in time."
        await asyncio.sleep(0.05)
    return found


class Kernel:
    """A kernel of its own, in which code is run, and which can be killed."""

    def __init__(self, code: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True
        )

    def says(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
