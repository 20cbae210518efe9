"""A page follows files while another process writes them."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from jupyter_beside import Server

from hpcbinder.slicer.planes.wire import array, read

WRITER = textwrap.dedent("""
    import sys, h5py, numpy as np
    file = h5py.File(sys.argv[1], "w", libver=sys.argv[3])
    data = file.create_dataset("data", (0, 4, 4), "f4", maxshape=(None, 4, 4), chunks=(1, 4, 4))
    file.flush()
    if sys.argv[2] == "swmr":
        file.swmr_mode = True
    print("open", flush=True)
    for line in sys.stdin:
        data.resize(data.shape[0] + 1, axis=0)
        data[-1] = float(line)
        data.flush()
        file.flush()
        print("written", flush=True)
    file.close()
""")


class Writer:
    """A program that writes one more step when it is told to."""

    def __init__(self, path: Path, how: str, libver: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), how, libver],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._hears("open")

    def step(self, value: float) -> float:
        """When it was flushed."""
        assert self._process.stdin is not None
        print(value, file=self._process.stdin, flush=True)
        self._hears("written")
        return time.monotonic()

    def end(self) -> None:
        self._process.communicate(timeout=60)

    def _hears(self, word: str) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == word


Event = tuple[str, dict[str, Any]]


@contextmanager
def following(server: Server, **parameters: Any) -> Iterator[Iterator[Event]]:
    with server.client.stream("GET", "growth", params=parameters) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        yield events(response.iter_lines())


def events(lines: Iterator[str]) -> Iterator[Event]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


@pytest.mark.parametrize(("how", "libver"), [("swmr", "latest"), ("plain", "earliest")])
def test_a_new_step_is_seen_within_a_second_of_its_flush(
    server: Server, how: str, libver: str
) -> None:
    path = server.files / f"grows_{how}.h5"
    writer = Writer(path, how, libver)
    with following(server, file=path.name, path="/data") as happens:
        name, first = next(happens)
        assert (name, first["shape"], first["live"]) == ("growth", [0, 4, 4], True)
        late = []
        for count in (1, 2, 3):
            flushed = writer.step(count)
            told = first
            while told["shape"] != [count, 4, 4]:
                name, told = next(happens)
            late.append(max(time.monotonic() - flushed, told["delay"]))
            assert told["delay"] >= 0
            assert told["verified"] is (how == "swmr")
            asked = {"file": path.name, "path": "/data", "at": f"{count - 1},0,0", "bits": 0}
            plane = read(server.get("plane", **asked).content)
            assert (array(plane) == count).all()
            assert plane.header["verified"] is (how == "swmr")
        # A machine that does much else may hold up one of them.
        assert min(late) < 1.0
    writer.end()


def test_what_is_not_there_yet_is_said_and_tried_again(server: Server) -> None:
    path = server.files / "later.h5"
    with following(server, file="later.h5", path="/data") as happens:
        name, told = next(happens)
        assert (name, told["reason"], told["again"]) == ("unreadable", "missing", 1.0)
        with h5py.File(path, "w") as file:
            file["data"] = np.zeros(3)
        while name == "unreadable":
            name, told = next(happens)
        assert told["shape"] == [3]


def test_what_its_writer_lets_nobody_read_is_shown_when_it_is_closed(server: Server) -> None:
    path = server.files / "closed_shop.h5"
    writer = Writer(path, "plain", "latest")
    with following(server, file=path.name, path="/data") as happens:
        name, told = next(happens)
        assert (name, "lets nobody read" in told["message"]) == ("unreadable", True)
        writer.step(1)
        writer.end()
        while name == "unreadable":
            name, told = next(happens)
        assert told["shape"] == [1, 4, 4]


def test_one_stream_follows_several(server: Server) -> None:
    for name in ("a", "b"):
        with h5py.File(server.files / f"both_{name}.h5", "w") as file:
            file[name] = np.zeros((2, 2))
    both = {"file": ["both_a.h5", "both_b.h5"], "path": ["/a", "/b"]}
    with following(server, **both) as happens:
        seen = {told["file"]: told["path"] for _, told in (next(happens), next(happens))}
    assert seen == {"both_a.h5": "/a", "both_b.h5": "/b"}
    refused = server.get("growth", file="both_a.h5", path=["/a", "/b"])
    assert refused.status_code == 400
