"""How long the hub is waited for, told by a clock of our own."""

from __future__ import annotations

import time

import pytest

from hpcbinder.report import Exit, Stop
from hpcbinder.web import Transient, patiently


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def test_the_pauses_grow_to_ten_seconds_and_end_in_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock(monkeypatch)

    def attempt() -> None:
        raise Transient("The hub is not ready." if clock.now < 100 else "The hub is away.")

    with pytest.raises(Stop, match=r"The hub is away. Gave up after 15 minutes") as stopped:
        patiently(attempt, "claim", 900, Exit.NO_HUB)
    assert stopped.value.code == Exit.NO_HUB
    assert clock.pauses[:3] == pytest.approx([0.2, 0.3, 0.45])
    assert max(clock.pauses) == 10
    assert 885 < clock.now <= 900
    # Each reason is logged once, not at every try.
    assert len(capsys.readouterr().err.splitlines()) == 2
