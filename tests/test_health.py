"""The table of checks."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from hpcbinderhub import health
from hpcbinderhub.builds.sightings import Sightings
from hpcbinderhub.errors import Unavailable
from hpcbinderhub.health import Check, Health, room_in, workers_live


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Part:
    """A part that answers as it is told, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.seconds = 0.0

    async def run(self) -> dict[str, Any]:
        self.asked += 1
        await asyncio.sleep(self.seconds)
        if self.error:
            raise self.error
        return {"more": 1}


async def test_however_many_ask_a_part_is_asked_once_in_a_while() -> None:
    clock, part = Clock(), Part()
    part.seconds = 0.02
    table = Health([Check("part", part.run)], clock)
    reports = await asyncio.gather(*(table.report() for _ in range(20)))
    assert reports == [{"ok": True, "checks": [{"service": "part", "ok": True, "more": 1}]}] * 20
    await table.report()
    assert part.asked == 1
    clock.now += health.CACHE_SECONDS
    await table.report()
    assert part.asked == 2


async def test_one_who_gives_up_does_not_end_it_for_the_others() -> None:
    part = Part()
    part.seconds = 0.1
    table = Health([Check("part", part.run)])
    impatient = asyncio.create_task(table.report())
    await asyncio.sleep(0.02)
    patient = asyncio.create_task(table.report())
    impatient.cancel()
    assert (await patient)["ok"] is True


async def test_what_fails_is_said_and_counts_if_it_matters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for error, seconds, message in (
        (Unavailable("The disk is gone."), 0, "The disk is gone."),
        (ZeroDivisionError(), 0, "The check could not be made; see the service's log."),
        (None, 3600, "No answer in 0 s."),
    ):
        monkeypatch.setattr(health, "CHECK_SECONDS", 0.05 if seconds else 60)
        part = Part()
        part.error, part.seconds = error, seconds
        row = {"service": "part", "ok": False, "message": message}
        assert await Health([Check("part", part.run)]).report() == {"ok": False, "checks": [row]}
        report = await Health([Check("part", part.run, matters=False)]).report()
        assert report == {"ok": True, "checks": [row | {"_ignore_failure": True}]}


async def test_workers_are_missed_a_minute_after_they_were_heard_of() -> None:
    clock = Clock()
    sightings = Sightings(clock)
    check = workers_live(sightings)
    with pytest.raises(Unavailable):
        await check.run()
    sightings.saw("a")
    clock.now += health.WORKER_SECONDS
    sightings.saw("b")
    assert await check.run() == {"workers": 2}
    clock.now += 1
    assert await check.run() == {"workers": 1}


async def test_a_directory_needs_room_and_an_open_door(tmp_path: Path) -> None:
    assert (await room_in("store", tmp_path, 1, os.W_OK).run())["free_mb"] > 0
    with pytest.raises(Unavailable, match="are wanted"):
        await room_in("store", tmp_path, 1 << 40, os.W_OK).run()
    with pytest.raises(Unavailable, match="is missing, or closed"):
        await room_in("store", tmp_path / "gone", 1, os.R_OK).run()
