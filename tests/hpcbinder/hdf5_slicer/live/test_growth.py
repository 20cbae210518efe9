"""A page hears of every change once, of what cannot be read, and of how late it heard."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hpcbinder.slicer.errors import Cancelled, Refusal
from hpcbinder.slicer.live import growth as growth_module
from hpcbinder.slicer.live.growth import Followed, Growth, Seen
from hpcbinder.slicer.work import Work

DATA = Followed("run.h5", "/data")
Stamp = tuple[int, int, int, int]


class Disk:
    """A file that is written when the test says so."""

    def __init__(self) -> None:
        self.stamp: Stamp = (1, 2, 100, 0)
        self.shape = (0, 4)
        self.live = True
        self.torn = False
        self.refusal: Refusal | None = None
        self.opened = 0
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.growth = Growth(self._look, lambda followed: self.stamp, self._say)

    def write(self, rows: int, ago: float = 0.0) -> None:
        self.shape = (rows, 4)
        self.stamp = (1, 2, 100 + rows, round((time.time() - ago) * 1e9))

    def looks(self) -> list[tuple[str, dict[str, Any]]]:
        before = len(self.said)
        self.growth.look(DATA, Work(1, 1))
        return self.said[before:]

    def _look(self, followed: Followed, work: Work) -> Seen:
        self.opened += 1
        if self.refusal is not None:
            raise self.refusal
        return Seen(self.stamp, self.shape, self.live, self.verified)

    @property
    def verified(self) -> bool:
        return not self.live and not self.torn

    def _say(self, event: str, holds: dict[str, Any]) -> None:
        self.said.append((event, holds))


def test_every_change_is_told_once_and_how_late_it_was_seen() -> None:
    disk = Disk()
    ((event, first),) = disk.looks()
    assert (event, first["shape"], first["delay"]) == ("growth", (0, 4), None)
    assert (first["file"], first["path"]) == ("run.h5", "/data")
    assert disk.looks() == []
    disk.write(1, ago=3.0)
    ((_, second),) = disk.looks()
    assert second["shape"] == (1, 4)
    assert second["stamp"] != first["stamp"]
    assert 3.0 <= second["delay"] < 4.0
    assert disk.looks() == []


def test_what_nobody_writes_is_not_opened_again() -> None:
    disk = Disk()
    disk.live = False
    ((_, told),) = disk.looks()
    assert told["verified"]
    for _ in range(5):
        assert disk.looks() == []
    assert disk.opened == 1
    disk.write(1)
    assert len(disk.looks()) == 1


def test_it_is_said_when_the_writer_has_ended() -> None:
    disk = Disk()
    ((_, told),) = disk.looks()
    assert (told["live"], told["verified"]) == (True, False)
    disk.live = False
    ((_, told),) = disk.looks()
    assert (told["live"], told["verified"], told["delay"]) == (False, True, None)


def test_what_is_not_verified_yet_is_looked_at_until_it_is() -> None:
    disk = Disk()
    disk.live, disk.torn = False, True
    ((_, told),) = disk.looks()
    assert not told["verified"]
    disk.torn = False
    ((_, told),) = disk.looks()
    assert told["verified"]


def test_what_cannot_be_read_is_said_once_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    disk.refusal = Refusal(503, "run.h5 is locked.", "It is tried again.", "busy")
    ((event, told),) = disk.looks()
    assert event == "unreadable"
    assert (told["message"], told["again"]) == ("run.h5 is locked.", 1.0)
    assert (disk.looks(), disk.opened) == ([], 1)
    monkeypatch.setattr(growth_module, "AGAIN_SECONDS", 0.0)
    disk.growth = Growth(disk._look, lambda followed: disk.stamp, disk._say)
    disk.looks()
    disk.refusal = None
    ((event, told),) = disk.looks()
    assert (event, told["delay"]) == ("growth", None)


def test_it_ends_when_nobody_listens() -> None:
    disk, work = Disk(), Work(0, 60)
    disk.growth = Growth(disk._look, lambda followed: disk.stamp, lambda *_: work.cancel())
    with pytest.raises(Cancelled):
        disk.growth.follow([DATA], work)
