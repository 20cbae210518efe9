"""Limits and ends of a build's processes, with real processes."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from builds.outcomes import alive, eventually

from hpcbinderhub.builds.builders.base import Builder
from hpcbinderhub.builds.builders.buildah import Buildah
from hpcbinderhub.builds.builders.chimage import ChImage
from hpcbinderhub.builds.builders.docker import Docker
from hpcbinderhub.builds.disk import DiskWatch, used
from hpcbinderhub.builds.request import LogEvent, Storage
from hpcbinderhub.builds.run import BoundedLog

ORPHANS = """
    import subprocess, sys, time
    from hpcbinderhub.builds import processes
    processes.adopt_orphans()
    # A grandchild whose parent is gone, in a session of its own.
    subprocess.run(["sh", "-c", "setsid sleep 1234 & echo $!"], check=True)
    sys.stdout.flush()
    %s
"""


def start(rest: str) -> subprocess.Popen[str]:
    """A process that has an orphan and then does something."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(ORPHANS) % rest],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_killing_descendants_finds_orphans() -> None:
    with start("processes.kill_descendants()") as process:
        assert process.stdout is not None
        orphan = int(process.stdout.readline())
        process.wait(60)
        assert not alive(orphan)


def test_the_end_of_the_lifeline_is_noticed() -> None:
    watch = (
        "processes.at_end_of(0, lambda: processes.kill_descendants() or __import__('os')._exit(3))"
    )
    with start(f"{watch}; time.sleep(120)") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        orphan = int(process.stdout.readline())
        assert alive(orphan)
        process.stdin.close()
        assert process.wait(60) == 3
        assert not alive(orphan)


def test_the_log_is_bounded_but_its_end_is_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    log = BoundedLog(limit=100)
    for number in range(50):
        log.add(LogEvent(phase="building", message=f"line {number:04}"))
    messages = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]
    assert messages[:10] == [f"line {number:04}" for number in range(10)]
    assert messages[10:] == ["(The log is longer than this site keeps.)"]
    assert log.tail[-1] == "line 0049"


def test_the_disk_watch_counts_what_is_new(tmp_path: Path) -> None:
    storage = Storage(graphroot=tmp_path / "graph", runroot=tmp_path / "run", tmp=tmp_path / "tmp")
    old = storage.graphroot / "overlay" / "old" / "diff"
    new = storage.graphroot / "overlay" / "new" / "diff" / "folder"
    for folder in (old, storage.tmp):
        folder.mkdir(parents=True)
    (old / "file").write_bytes(b"x" * 1_000_000)
    watch = DiskWatch(storage, Buildah(storage).growth, 500_000, lambda _added: None)
    assert watch.added() == 0
    new.mkdir(parents=True)
    (new / "file").write_bytes(b"x" * 1_000_000)
    assert 1_000_000 <= watch.added() < 1_100_000
    assert used(tmp_path / "absent") == 0
    # Neither a file without a name nor a thousand empty ones are free.
    (new / "file").unlink()
    hold = "import sys; f = open(sys.argv[1], 'wb'); f.write(bytes(1000000)); f.flush(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(new / "held")], stdin=subprocess.PIPE
    ) as holder:
        eventually(lambda: watch.added() >= 1_000_000, 60, "the file is there")
        (new / "held").unlink()
        assert 1_000_000 <= watch.added() < 1_100_000
        holder.communicate()
    assert watch.added() < 100_000
    for number in range(1000):
        (new / str(number)).touch()
    assert watch.added() >= 1_000_000


@pytest.mark.parametrize("builder", [ChImage, Docker])
def test_the_disk_watch_counts_where_a_builder_writes(
    builder: type[Builder], tmp_path: Path
) -> None:
    storage = Storage(graphroot=tmp_path / "graph", runroot=tmp_path / "run", tmp=tmp_path / "tmp")
    storage.tmp.mkdir()
    ours = builder(storage)
    if isinstance(ours, ChImage):
        own, others = ours.tree("localhost/own:1"), [ours.tree("localhost/other:1")]
    else:
        assert isinstance(ours, Docker)
        own, others = ours.tree, []
    for folder in (storage.graphroot, *others):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x" * 1_000_000)
    watch = DiskWatch(storage, ours.growth, 500_000, lambda _added: None)
    assert watch.added() == 0
    (own / "srv").mkdir(parents=True)
    (own / "srv/file").write_bytes(b"x" * 1_000_000)
    assert 1_000_000 <= watch.added() < 1_100_000


def test_a_request_that_is_not_valid_is_answered() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hpcbinderhub.builds.run"],
        input='{"id": "x"}\n',
        capture_output=True,
        text=True,
        timeout=120,
    )
    event = json.loads(done.stdout)
    assert (done.returncode, event["phase"], event["cause"]) == (1, "failed", "internal")
    assert any("commit" in line for line in event["lines"])
