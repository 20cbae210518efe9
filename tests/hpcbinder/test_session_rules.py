"""The rules of a session's times, as pure functions of moments that are made up."""

from __future__ import annotations

import os
import pty
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from compute_node import until
from hypothesis import given
from hypothesis import strategies as st

from hpcbinder.session.activity import Activity, kernels, terminals
from hpcbinder.session.clock import Countdown
from hpcbinder.session.idle import IdleRule
from hpcbinder.session.terms import VARIABLE, Terms, from_claim, from_environment

CLAIM = {
    "left": 3600,
    "warn_seconds": 120,
    "idle_minutes": 60,
    "extend_minutes": 30,
    "url": "https://hub/session",
    "page": "https://hub/mine",
}


def test_what_the_hub_says_reaches_the_server_whole() -> None:
    terms = from_claim(CLAIM, now=1000.0)
    assert terms == Terms(4600.0, 120, 60, 30, "https://hub/session", "https://hub/mine")
    assert from_environment({VARIABLE: terms.variable()}) == terms


def test_a_hub_that_says_little_is_understood() -> None:
    assert from_claim({}, now=0.0) == Terms(None, 120, None, 0, "", "")


@pytest.mark.parametrize("words", [None, [], "soon", {"left": "soon"}, {"idle_minutes": "x"}])
def test_what_is_not_understood_is_left_out(words: object) -> None:
    assert from_claim(words, now=0.0) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"ends": "x"}'])
def test_a_server_with_a_strange_variable_has_no_session(text: str) -> None:
    assert from_environment({VARIABLE: text}) is None
    assert from_environment({}) is None


def test_everything_is_saved_once_before_the_end() -> None:
    countdown = Countdown(ends=1000.0, warn_seconds=120)
    for now in (0.0, 879.0):
        countdown.tick(now)
        assert countdown.saves == 0
    for now in (880.0, 890.0, 999.0, 1001.0):
        countdown.tick(now)
        assert countdown.saves == 1
    assert countdown.left(940.0) == 60.0
    assert countdown.left(1001.0) == 0.0


def test_slurms_signal_beside_our_own_clock_saves_nothing_twice() -> None:
    countdown = Countdown(ends=1000.0, warn_seconds=120)
    countdown.save(878.0)
    countdown.tick(881.0)
    countdown.save(882.0)
    assert countdown.saves == 1


def test_a_job_that_has_to_make_room_is_saved_whatever_the_clock_says() -> None:
    countdown = Countdown(ends=None, warn_seconds=120)
    countdown.save(5.0)
    assert (countdown.saves, countdown.left(5.0)) == (1, None)


def test_a_job_that_got_more_time_is_saved_again_before_its_new_end() -> None:
    countdown = Countdown(ends=1000.0, warn_seconds=120)
    countdown.tick(900.0)
    countdown.correct(1900.0, now=900.0)
    countdown.tick(900.0)
    assert countdown.left(900.0) == 1900.0
    countdown.tick(2690.0)
    assert countdown.saves == 2


@given(st.integers(1, 10_000), st.floats(0, 1e6))
def test_nothing_stops_without_a_warning(minutes: int, unused: float) -> None:
    rule = IdleRule(minutes)
    assert rule.stops_in(0.0) == minutes * 60
    assert not rule.warns(0.0)
    if rule.stops_in(unused) == 0:
        assert rule.warns(unused)
        assert rule.warns(minutes * 60 - 30)


def test_the_warning_comes_five_minutes_before() -> None:
    rule = IdleRule(60)
    assert not rule.warns(54 * 60)
    assert rule.warns(55 * 60)


class Kernels:
    """The part of Jupyter's kernel manager that is asked."""

    def __init__(self, **kernels: tuple[str, float]) -> None:
        now = datetime.now(UTC)
        self.kernels = {
            name: SimpleNamespace(execution_state=state, last_activity=now - timedelta(seconds=ago))
            for name, (state, ago) in kernels.items()
        }

    def list_kernel_ids(self) -> list[str]:
        return list(self.kernels)

    def get_kernel(self, name: str) -> SimpleNamespace:
        return self.kernels[name]


def test_a_running_cell_is_use_and_an_idle_kernel_is_not() -> None:
    manager = Kernels(one=("idle", 500.0), other=("idle", 300.0))
    activity = Activity(0.0, lambda: kernels(manager))
    assert activity.unused(1000.0) == pytest.approx(300.0, abs=5)
    manager.kernels["one"].execution_state = "busy"
    assert activity.unused(2000.0) == 0.0
    # A cell that has ended was in use until then, even if its kernel is gone.
    manager.kernels.clear()
    assert activity.unused(2300.0) == 300.0


def test_what_says_that_it_is_in_use_counts() -> None:
    activity = Activity(0.0)
    activity.note(50.0)
    assert activity.unused(80.0) == 30.0


def test_a_clock_that_was_put_back_is_no_use_in_the_future() -> None:
    activity = Activity(0.0, lambda: kernels(Kernels(one=("idle", -900.0))))
    assert activity.unused(100.0) == 0.0
    assert activity.unused(200.0) == 0.0


def test_a_program_in_a_terminal_is_use_and_its_prompt_is_not() -> None:
    shell, fd = pty.fork()
    if shell == 0:
        os.execv("/bin/bash", ["bash", "--norc", "--noprofile", "-i"])
    old = datetime.now(UTC) - timedelta(seconds=700)
    process = SimpleNamespace(pid=shell, fd=fd)
    manager = SimpleNamespace(terminals={"1": SimpleNamespace(ptyproc=process, last_activity=old)})
    try:
        until(lambda: os.tcgetpgrp(fd) == shell)
        assert list(terminals(manager)) == [pytest.approx(700.0, abs=5)]
        os.write(fd, b"sleep 600\n")
        until(lambda: list(terminals(manager)) == [0.0])
    finally:
        os.close(fd)
        os.waitpid(shell, 0)
