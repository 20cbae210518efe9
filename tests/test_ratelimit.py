"""How often one may ask, by a clock that is set by hand."""

from __future__ import annotations

import pytest

from hpcbinderhub.errors import TooManyRequests
from hpcbinderhub.ratelimit import Allowance, RateLimiter


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_pass_within_the_time_and_then_none_until_it_is_over() -> None:
    clock = Clock()
    limiter = RateLimiter(2, 600, clock)
    assert limiter.take("alice") == Allowance(2, 1, 600)
    clock.now += 100.5
    assert limiter.take("alice") == Allowance(2, 0, 500)
    for _ in range(3):  # What is refused prolongs nothing.
        with pytest.raises(TooManyRequests) as refused:
            limiter.take("alice")
        assert refused.value.retry_after == 500
        assert refused.value.message.startswith("You asked for 2 builds and launches within 10 min")
        assert refused.value.advice == "Try again in 9 minutes."
    clock.now += refused.value.retry_after
    assert limiter.take("alice") == Allowance(2, 1, 600)


def test_everybody_has_a_window_of_her_own() -> None:
    limiter = RateLimiter(1, 60, Clock())
    limiter.take("alice")
    limiter.take("bob")
    with pytest.raises(TooManyRequests, match="Try again in 60 seconds"):
        limiter.take("alice")


def test_zero_is_no_limit() -> None:
    limiter = RateLimiter(0, 60, Clock())
    assert [limiter.take("alice") for _ in range(1000)] == [None] * 1000


def test_windows_that_have_ended_are_forgotten() -> None:
    clock = Clock()
    limiter = RateLimiter(5, 60, clock)
    for number in range(100):
        limiter.take(f"user-{number}")
    clock.now += 61
    limiter.take("alice")
    assert list(limiter._windows) == ["alice"]
