"""Kernels stay responsive while pages scrub, and browsers that do not read cost nothing."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import h5py
import numpy as np
import psutil
import pytest
from jupyter_beside import TOKEN, Server, children

SCRUBBER = textwrap.dedent("""
    import http.client, os, sys, threading
    from urllib.parse import urlsplit
    url, token = urlsplit(sys.argv[1]), sys.argv[2]
    os.nice(10)  # Browsers are on other machines.

    def scrub(page):
        connection = http.client.HTTPConnection(url.hostname, url.port)
        for turn in range(10**9):
            at = ["0", "0", "0"]
            at[page % 3] = str(turn % 256)
            rows, columns = (axis for axis in range(3) if axis != page % 3)
            connection.request("GET", f"{url.path}hpcbinder/slicer/plane?file=scrubbed.h5"
                f"&path=/data&rows={rows}&columns={columns}&at={','.join(at)}&limit=32768&view={page}"
                f"&turn={turn}&hint={page % 3},1", headers={"Authorization": f"token {token}"})
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            if turn == 3:
                os.write(1, b"scrubs\\n")  # At once, whoever else writes.

    for page in range(8):
        threading.Thread(target=scrub, args=(page,), daemon=True).start()
    sys.stdin.read()
""")


@pytest.fixture
def undisturbed(tmp_path: Path) -> Iterator[Server]:
    """Another server on the same machine, which no page asks for pictures."""
    server = Server(tmp_path)
    yield server
    server.end()


def test_the_event_loop_is_free_while_eight_pages_scrub(
    server: Server, undisturbed: Server
) -> None:
    with h5py.File(server.files / "scrubbed.h5", "w") as file:
        noise = np.random.default_rng(7).normal(size=(256, 256, 256)).astype("f4")
        file.create_dataset("data", data=noise, chunks=(64, 64, 64), compression="gzip")
    command = [sys.executable, "-c", SCRUBBER, server.url, TOKEN]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as pages:
        assert pages.stdout is not None
        for _ in range(8):
            assert pages.stdout.readline() == "scrubs\n"
        taken, otherwise = [], []
        for _ in range(150):
            taken.append(answers(server))
            otherwise.append(answers(undisturbed))
            time.sleep(0.01)
        assert pages.poll() is None
    # Where one lock covers reading and decoding, these stand in line behind it. Both have the same
    # machine; figures for one that has nothing else to do are the benchmark's.
    assert median(taken) < 0.1 + 5 * median(otherwise)


def answers(server: Server) -> float:
    """After so many seconds."""
    begun = time.perf_counter()
    assert server.client.get(f"{server.url}api/status").status_code == 200
    return time.perf_counter() - begun


@pytest.mark.slow
def test_a_browser_that_takes_nothing_holds_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path, "--Slicer.stall_seconds=1.5")
    with h5py.File(server.files / "huge.h5", "w") as file:
        # A gigabyte that takes no room on the disk.
        file.create_dataset("data", (16384, 8192), "f8", chunks=(256, 1024))
    server.get("node", file="huge.h5", path="/data")
    before = resident(server)
    address = urlsplit(server.url)
    asks = (
        f"GET {address.path}hpcbinder/slicer/values?file=huge.h5&path=/data&format=npy HTTP/1.1\r\n"
        f"Host: {address.netloc}\r\nAuthorization: token {TOKEN}\r\n\r\n"
    )
    assert address.hostname is not None
    assert address.port is not None
    with socket.create_connection((address.hostname, address.port)) as browser:
        browser.sendall(asks.encode())
        assert browser.recv(15) == b"HTTP/1.1 200 OK"
        assert serves(server, browser)
        grown = 0
        end = time.monotonic() + 60
        while serves(server, browser):
            assert time.monotonic() < end
            grown = max(grown, resident(server) - before)
            # Others are answered meanwhile.
            assert server.get("limits").status_code == 200
            time.sleep(0.1)
        assert grown < 100 << 20
        # What the kernel holds can still be taken; that is the end.
        taken = 0
        while piece := receive(browser):
            taken += len(piece)
        assert taken < 64 << 20
    server.end()


@pytest.mark.slow
def test_a_connection_that_is_closed_makes_room_for_others(tmp_path: Path) -> None:
    server = Server(tmp_path, "--Slicer.waiting_requests=1")
    with server.client.stream("GET", "growth", params={"file": "not_yet.h5"}) as follows:
        lines = follows.iter_lines()
        assert next(lines) == "event: unreadable"
        refused = server.get("limits")
        assert (refused.status_code, refused.json()["reason"]) == (429, "busy")
        assert refused.headers["Retry-After"] == "1"
    end = time.monotonic() + 60
    while server.get("limits").status_code != 200:
        assert time.monotonic() < end
    server.end()


def serves(server: Server, browser: socket.socket) -> bool:
    """Whether the server still has this connection."""
    return any(
        one.raddr == browser.getsockname()
        for one in psutil.Process(server.process.pid).net_connections("tcp")
    )


def receive(browser: socket.socket) -> bytes:
    try:
        return browser.recv(1 << 20)
    except ConnectionResetError:
        return b""


def resident(server: Server) -> int:
    """The memory of the server and of the reading process."""
    pids = [server.process.pid, *children(server.process.pid)]
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
    return sum(pages) * resource.getpagesize()
