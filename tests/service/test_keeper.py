"""The process that the hub starts, and the one that it keeps running."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hpcbinderhub.services.binder.app import listen
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest

SERVES = """
import os, pathlib, signal, sys, time
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
while not told:
    time.sleep(0.02)
sys.exit(7)
"""

KEEPS = """
import sys
from hpcbinderhub.services.binder.keeper import keep
sys.exit(keep([sys.executable, "-c", *sys.argv[2:]], steady_seconds=float(sys.argv[1])))
"""

# As a hub: its child is the keeper, and gets to know nothing of its end.
HUB = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"


def soon(check: Callable[[], object]) -> None:
    for _ in range(3000):
        if check():
            return
        time.sleep(0.02)
    raise AssertionError("It did not become true.")


def starts(told: Path) -> list[int]:
    """The serving processes, in the order of their starts."""
    return [int(line) for line in told.read_text().split()] if told.exists() else []


def is_there(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


@contextmanager
def keeping(
    told: Path, steady: float = 0, *before: str, serves: str = SERVES
) -> Iterator[subprocess.Popen[str]]:
    """A keeper, once its process runs."""
    command = [*before, sys.executable, "-c", KEEPS, str(steady), serves, str(told)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd="/") as keeper:
        try:
            soon(lambda: starts(told))
            yield keeper
        finally:
            keeper.kill()


def test_what_is_killed_is_there_again(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with keeping(told) as keeper:
        for times in (1, 2, 3):
            soon(lambda times=times: len(starts(told)) == times)
            os.kill(starts(told)[-1], signal.SIGKILL)
        soon(lambda: len(starts(told)) == 4)
        keeper.send_signal(signal.SIGTERM)
        _, said = keeper.communicate(timeout=60)
    assert said == "The service ended with status -9. It is started again.\n" * 3
    assert keeper.returncode == 7
    assert not is_there(starts(told)[-1])


def test_interrupting_it_stops_both(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with keeping(told) as keeper:
        # How the hub stops a service.
        keeper.send_signal(signal.SIGINT)
        assert keeper.wait(60) == 7
    assert len(starts(told)) == 1
    assert not is_there(starts(told)[0])


def test_what_ends_as_soon_as_it_begins_is_left_to_the_hub(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with keeping(told, 600) as keeper:
        os.kill(starts(told)[0], signal.SIGKILL)
        assert keeper.wait(60) == 256 - signal.SIGKILL
    assert len(starts(told)) == 1


def test_nothing_outlives_a_hub_that_was_killed(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with keeping(told, 0, sys.executable, "-c", HUB) as hub:
        hub.kill()
        soon(lambda: not is_there(starts(told)[0]))
        _, said = hub.communicate(timeout=60)
    assert said == "The hub is gone; its next start brings a new service.\n"
    assert len(starts(told)) == 1


def test_nothing_outlives_a_hub_that_nobody_listens_to(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with keeping(told, 0, sys.executable, "-c", HUB) as hub:
        assert hub.stderr
        # As the supervisor of a hub does when that is gone: whoever writes there fails.
        hub.stderr.close()
        hub.kill()
        soon(lambda: not is_there(starts(told)[0]))


STARTS_SLOWLY = """
import asyncio, os, pathlib, sys, time
from hpcbinderhub.services.binder.keeper import told_to_stop
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
parent = os.getppid()
while os.getppid() == parent:
    time.sleep(0.02)
asyncio.run(told_to_stop())
"""


def test_a_service_whose_keeper_was_gone_before_it_served_ends_too(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with keeping(told, serves=STARTS_SLOWLY) as keeper:
        keeper.kill()
        soon(lambda: not is_there(starts(told)[0]))
        _, said = keeper.communicate(timeout=60)
    assert said == "The process that kept this one is gone.\n"


TOLD_AT_ONCE = """
import os, signal, subprocess
class Popen(subprocess.Popen):
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        os.kill(os.getpid(), signal.SIGTERM)
subprocess.Popen = Popen
"""


def test_a_keeper_that_is_told_as_soon_as_there_is_a_process_leaves_none(tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = [sys.executable, "-c", TOLD_AT_ONCE + KEEPS, "0", SERVES, str(told)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd="/") as keeper:
        assert keeper.wait(60) in (7, -signal.SIGTERM % 256)
    time.sleep(0.5)
    assert not any(map(is_there, starts(told)))


async def test_the_next_service_waits_for_the_port() -> None:
    def serve(_request: HTTPServerRequest) -> None: ...

    with socket.create_server(("127.0.0.1", 0)) as last:
        port = last.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            await listen(HTTPServer(serve), port, "127.0.0.1", 0.3)
        asyncio.get_running_loop().call_later(0.5, last.close)
        server = HTTPServer(serve)
        await listen(server, port, "127.0.0.1", 60)
    socket.create_connection(("127.0.0.1", port)).close()
    server.stop()
