"""When workers that nobody uses end, by a clock that is turned by hand."""

from __future__ import annotations

from hpcbinder.workers.interest import Interest


def test_when_nothing_ran_for_the_grace_it_is_over() -> None:
    interest = Interest(grace=600, now=0)
    interest.look(10, workers=4, works=True, transitions=7)
    interest.look(300, workers=4, works=False, transitions=7)
    assert (interest.unused(609), interest.over(609), interest.over(610)) == (599, False, True)


def test_what_began_and_ended_between_two_looks_counts() -> None:
    interest = Interest(grace=600, now=0)
    interest.look(0, workers=4, works=False, transitions=7)
    interest.look(500, workers=4, works=False, transitions=20)
    assert not interest.over(1099)


def test_a_question_of_a_client_counts() -> None:
    interest = Interest(grace=600, now=0)
    interest.note(500)
    assert not interest.over(1099)


def test_hours_in_the_queue_are_no_idleness() -> None:
    interest = Interest(grace=600, now=0)
    interest.look(7200, workers=0, works=False, transitions=-1)
    assert not interest.over(7200)
    interest.look(7210, workers=4, works=False, transitions=0)
    assert not interest.over(7800)
    assert interest.over(7810)


def test_without_a_grace_it_waits_for_ever() -> None:
    assert not Interest(grace=0, now=0).over(1e9)
