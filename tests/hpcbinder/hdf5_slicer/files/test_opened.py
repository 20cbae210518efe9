"""Open files are as new as what is on disk, and are closed when nobody uses them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import pytest

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.files import opened
from hpcbinder.slicer.files.opened import TICK, Files


def written(path: Path, value: int) -> str:
    with h5py.File(path, "w") as made:
        made["d"] = value
    return str(path)


def rewritten(path: str, value: int) -> None:
    """The same file with other bytes in it."""
    other = Path(written(Path(f"{path}.new"), value))
    Path(path).write_bytes(other.read_bytes())


def test_a_file_is_opened_once_until_it_changes(tmp_path: Path) -> None:
    files = Files()
    path = written(tmp_path / "a.h5", 1)
    file = files.open(path)
    assert files.open(path) is file
    assert not file.refresh()
    stamp = file.stamp
    other = written(tmp_path / "b.h5", 2)
    os.replace(other, path)
    assert files.open(path).h5["d"][()] == 2
    assert file.stamp != stamp
    files.close()


def test_what_was_written_long_ago_is_not_live(tmp_path: Path) -> None:
    path = written(tmp_path / "a.h5", 1)
    files = Files()
    assert files.open(path).live
    os.utime(path, (1, 1))
    files = Files()
    assert not files.open(path).live


class Clock:
    """This machine's, which goes when it is told to."""

    def __init__(self) -> None:
        self._now = time.time()

    def later(self, seconds: float) -> None:
        self._now += seconds

    def time(self) -> float:
        return self._now

    monotonic = time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(opened, "time", clock)
    return clock


def test_what_may_have_been_written_twice_at_a_time_is_looked_at_again(
    tmp_path: Path, clock: Clock
) -> None:
    path = written(tmp_path / "a.h5", 1)
    file = Files().open(path)
    assert file.h5["d"][()] == 1
    # The file system's clock did not tick between the two.
    before = os.stat(path)
    rewritten(path, 2)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not file.refresh()
    clock.later(2 * TICK)
    assert file.refresh()
    assert file.h5["d"][()] == 2
    assert not file.refresh()


def test_a_file_is_no_longer_live_when_its_writer_is_done(tmp_path: Path, clock: Clock) -> None:
    path = written(tmp_path / "a.h5", 1)
    clock.later(3600)
    file = Files().open(path)
    assert not file.live
    # The file system's clock is an hour behind: only that something happens tells that it is.
    rewritten(path, 2)
    assert file.refresh()
    assert file.live
    clock.later(9)
    assert file.refresh()
    assert file.live
    clock.later(2)
    assert not file.live
    assert file.refresh()
    assert not file.refresh()


def test_the_longest_unused_is_closed_when_its_users_are_done(tmp_path: Path) -> None:
    files = Files(limit=1)
    first = files.open(written(tmp_path / "a.h5", 1))
    with first.using(), first.using():
        files.open(written(tmp_path / "b.h5", 2))
        assert first.h5["d"][()] == 1
    assert not first.h5
    assert files.open(first.path).h5["d"][()] == 1


def test_a_refresh_waits_for_readers(tmp_path: Path) -> None:
    files = Files()
    path = written(tmp_path / "a.h5", 1)
    file = files.open(path)
    reading, read = threading.Event(), threading.Event()

    def reader() -> int:
        with file.using():
            dataset = file.h5["d"]
            reading.set()
            assert read.wait(30)
            return int(dataset[()])

    with ThreadPoolExecutor(2) as several:
        old = several.submit(reader)
        assert reading.wait(30)
        os.replace(written(tmp_path / "b.h5", 2), path)
        new = several.submit(file.refresh)
        read.set()
        assert old.result() == 1
        assert new.result()
    assert file.h5["d"][()] == 2


def test_a_file_that_was_unreadable_for_a_while_is_read_again(tmp_path: Path) -> None:
    files = Files()
    path = written(tmp_path / "a.h5", 1)
    files.open(path)
    (tmp_path / "half").write_bytes(b"half of a file")
    os.replace(tmp_path / "half", path)
    for _ in range(2):
        with pytest.raises(Refusal, match="cannot open"):
            files.open(path)
    os.replace(written(tmp_path / "b.h5", 2), path)
    assert files.open(path).h5["d"][()] == 2
    files.close()


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    files = Files()
    with pytest.raises(Refusal, match=r"no file a\.h5") as refused:
        files.open(str(tmp_path / "a.h5"))
    assert refused.value.status == 404
    (tmp_path / "b.h5").write_bytes(b"no HDF5 at all")
    with pytest.raises(Refusal, match=r"HDF5 cannot open b\.h5") as refused:
        files.open(str(tmp_path / "b.h5"))
    assert (refused.value.status, refused.value.kind) == (422, "unreadable")


WRITER = """
import sys, h5py
with h5py.File(sys.argv[1], "w", libver="latest") as writer:
    data = writer.create_dataset("d", (1,), "i4", maxshape=(None,), chunks=(10,))
    writer.flush()
    print("alone", flush=True)
    sys.stdin.readline()
    writer.swmr_mode = True
    print("for readers", flush=True)
    for line in sys.stdin:
        data.resize((int(line),))
        data[-1] = int(line)
        data.flush()
        print("grown", flush=True)
"""


def test_a_writer_that_writes_for_readers_is_followed(tmp_path: Path) -> None:
    path = str(tmp_path / "a.h5")
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    files = Files()
    with writer:
        assert heard(writer) == "alone"
        with pytest.raises(Refusal, match="is being written") as refused:
            files.open(path)
        assert refused.value.status == 503
        print("go on", file=writer.stdin)
        assert heard(writer) == "for readers"
        file = files.open(path)
        assert file.swmr
        assert file.live
        for length in (25, 50):
            print(length, file=writer.stdin)
            assert heard(writer) == "grown"
            with files.open(path).using() as file:
                assert file.h5["d"].shape == (length,)
                assert file.h5["d"][-1] == length
        assert writer.stdin is not None
        writer.stdin.close()


def heard(writer: subprocess.Popen[str]) -> str:
    assert writer.stdout is not None
    return writer.stdout.readline().strip()
