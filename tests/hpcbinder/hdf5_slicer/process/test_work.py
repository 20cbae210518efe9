"""A request ends when nobody waits for it, when its time is over, and before it holds too much."""

from __future__ import annotations

import pytest

from hpcbinder.slicer.errors import Cancelled, Refusal
from hpcbinder.slicer.work import Work


def test_whoever_is_superseded_ends_at_the_next_look() -> None:
    work = Work(100, seconds=60)
    work.check()
    work.cancel()
    assert work.cancelled
    with pytest.raises(Cancelled):
        work.check()


def test_time_runs_out_with_a_sentence() -> None:
    now = [0.0]
    work = Work(100, seconds=30, clock=lambda: now[0])
    now[0] = 29.0
    work.check()
    now[0] = 31.0
    with pytest.raises(Refusal, match="30 seconds") as refused:
        work.check()
    assert (refused.value.status, refused.value.kind) == (504, "time")


def test_memory_is_counted_before_it_is_taken() -> None:
    work = Work(20 << 20, seconds=60)
    work.claim(15 << 20)
    with pytest.raises(Refusal, match=r"needs 25 MB of memory; one request may hold 20 MB") as no:
        work.claim(10 << 20)
    assert no.value.status == 413
    work.release(15 << 20)
    work.claim(20 << 20)


def test_a_refusal_is_told_in_words() -> None:
    refusal = Refusal(403, "That file is outside of the roots.", "Ask for another.", "outside")
    assert refusal.as_dict() == {
        "message": "That file is outside of the roots.",
        "advice": "Ask for another.",
        "reason": "outside",
    }
    assert str(refusal) == "That file is outside of the roots. Ask for another."
