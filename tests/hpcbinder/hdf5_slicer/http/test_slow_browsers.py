"""Browsers that ask for much and take little of it: the server holds no more than it may."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import urlencode, urlsplit

import h5py
import numpy as np
import psutil
import pytest
from jupyter_beside import TOKEN, Server, children

pytestmark = pytest.mark.slow

BROWSERS = 12
SIDE = 2048
PLANE = SIDE * SIDE * 8
BOUND = 2 * PLANE + (1 << 20)
SIP = 1024
SIP_SECONDS = 0.25
"""A few thousand bytes a second."""
OWN = 48 << 20
"""What Python's allocator may keep or not."""


class Browser:
    """One that takes a sip now and then, of which its kernel holds hardly more."""

    def __init__(self, server: Server, operation: str, **asked: object) -> None:
        address = urlsplit(server.url)
        assert address.hostname is not None
        assert address.port is not None
        self.connection = socket.socket()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SIP)
        self.connection.connect((address.hostname, address.port))
        self.connection.sendall(
            f"GET {address.path}hpcbinder/slicer/{operation}?{urlencode(asked)} HTTP/1.1\r\n"
            f"Host: {address.netloc}\r\nAuthorization: token {TOKEN}\r\n\r\n".encode()
        )
        self.connection.setblocking(False)
        self.taken = b""

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.connection.close()

    @property
    def status(self) -> int:
        """0: nothing has come yet."""
        return int(self.taken[9:12] or 0)

    def sip(self) -> None:
        with suppress(BlockingIOError):
            self.taken += self.connection.recv(SIP)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Which holds two planes for browsers, and keeps nothing decoded that would count."""
    options = (f"--Slicer.waiting_bytes={BOUND}", f"--Slicer.cache_bytes={1 << 20}")
    server = Server(tmp_path, *options)
    with h5py.File(server.files / "run.h5", "w") as file:
        noise = np.random.default_rng(5).random((2, SIDE, SIDE))
        file.create_dataset("cube", data=noise)
        file.create_dataset("long", (1 << 16, SIDE), "f8", chunks=(64, SIDE))
    yield server
    server.end()


def resident(pid: int) -> int:
    return psutil.Process(pid).memory_info().rss


def while_they_sip(server: Server, browsers: Sequence[Browser], seconds: float) -> tuple[int, int]:
    """The most that the server and the reading process hold until all have an answer, and on."""
    end = time.monotonic() + 60
    most = (0, 0)
    (reading,) = children(server.process.pid)
    settled = 0.0
    while time.monotonic() < (settled or end):
        for browser in browsers:
            browser.sip()
        if not settled and all(browser.status for browser in browsers):
            settled = time.monotonic() + seconds
        most = (max(most[0], resident(server.process.pid)), max(most[1], resident(reading)))
        # Who slides meanwhile is answered.
        small = server.get("plane", file="run.h5", path="/cube", rows=1, columns=2, step=16)
        assert small.status_code == 200
        time.sleep(SIP_SECONDS)
    assert settled, [browser.status for browser in browsers]
    return most


def test_of_planes_that_are_not_taken_few_are_held(server: Server) -> None:
    asked = {"file": "run.h5", "path": "/cube", "rows": 1, "columns": 2, "bits": 0}
    assert len(server.get("plane", **asked, at="0,0,0").content) > PLANE
    (reading,) = children(server.process.pid)
    before = resident(server.process.pid), resident(reading)
    with ExitStack() as stack:
        browsers = [
            stack.enter_context(Browser(server, "plane", **asked, at=f"{number % 2},0,0"))
            for number in range(BROWSERS)
        ]
        most = while_they_sip(server, browsers, seconds=3)
        assert sorted(browser.status for browser in browsers) == [200] * 2 + [429] * 10
        # And the one that was just arriving.
        assert most[0] - before[0] < BOUND + PLANE + OWN < BROWSERS * PLANE / 2
        held = resident(server.process.pid) - before[0], resident(reading) - before[1]
        assert held[0] < BOUND + OWN
        assert held[1] < OWN
        print(
            "held", [round(one / 1e6) for one in (*held, most[0] - before[0], most[1] - before[1])]
        )
    end = time.monotonic() + 60
    while resident(server.process.pid) - before[0] > OWN:
        assert time.monotonic() < end, "what nobody waits for is still held"
        time.sleep(0.1)


@pytest.mark.parametrize("form", ["npy", "csv"])
def test_exports_that_are_not_taken_wait_in_the_file(server: Server, form: str) -> None:
    asked = {"file": "run.h5", "path": "/long", "rows": 0, "columns": 1, "format": form}
    server.get("values", **{**asked, "window": f"0,64,0,{SIDE}"})
    (reading,) = children(server.process.pid)
    before = resident(server.process.pid), resident(reading)
    with ExitStack() as stack:
        browsers = [
            stack.enter_context(Browser(server, "values", **asked)) for _ in range(BROWSERS)
        ]
        most = while_they_sip(server, browsers, seconds=3)
    assert [browser.status for browser in browsers] == [200] * BROWSERS
    print(form, [round((one - other) / 1e6) for one, other in zip(most, before, strict=True)])
    # A gigabyte was asked for by each; a band of it is four megabytes.
    assert most[0] - before[0] < BROWSERS * (3 << 20) + OWN
    assert most[1] - before[1] < BROWSERS * (12 << 20) + OWN
