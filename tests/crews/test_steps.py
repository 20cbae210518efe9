"""What is to be done at the cluster next, by a crew's record."""

from __future__ import annotations

from crews.crews import crew
from crews.test_changes import with_jobs

from hpcbinderhub.crews import changes
from hpcbinderhub.crews.records import Crew
from hpcbinderhub.crews.replacing import CALM_SECONDS, Patience, missing
from hpcbinderhub.crews.sights import Told, seen
from hpcbinderhub.crews.steps import Cancel, Find, Submit, next_step
from hpcbinderhub.slurm.jobs import Job, Owned


def cancels(made: Crew) -> tuple[str, ...]:
    """What `scancel` is told."""
    step = next_step(made)
    assert isinstance(step, Cancel)
    return step.jobs


def test_what_is_new_is_submitted_and_what_was_begun_once_more() -> None:
    made = crew((4, 4), (4,))
    assert next_step(made) == Submit(made.batches[0])
    begun = changes.begun(made, "b1", "/b1", 1001.0)
    assert next_step(begun) == Submit(begun.batches[0])
    done = changes.submitted(begun, "b1", "10", "digest")
    assert next_step(done) == Submit(done.batches[1])
    assert next_step(with_jobs(made, "10", "20")) is None


def test_what_was_begun_and_is_not_wanted_is_looked_for() -> None:
    made = changes.closing(changes.begun(crew((4, 4)), "b1", "/b1", 1001.0), "closed")
    assert next_step(made) == Find(made.batches[0])
    assert next_step(changes.given_up(made, "b1")) is None
    assert cancels(changes.submitted(made, "b1", "10", "")) == ("10",)


def test_one_request_ends_all_that_is_not_wanted() -> None:
    made = with_jobs(crew((4, 4, 4), (4, 4)), "10", "20")
    some = changes.dropped(made, ["10_1", "20_0", "20_1"])
    assert cancels(some) == ("10_1", "20")
    step = next_step(some)
    assert isinstance(step, Cancel)
    assert next_step(changes.cancelled(some, step.nodes)) is None
    assert cancels(changes.closing(made, "closed")) == ("10", "20")


def test_what_is_not_wanted_goes_before_more_is_asked_for() -> None:
    made = changes.dropped(with_jobs(crew((4, 4)), "10"), ["10_0"])
    made = changes.grown(made, "b2", (4,))
    assert cancels(made) == ("10_0",)


def test_one_job_of_several_nodes_ends_with_the_last_of_them() -> None:
    made = with_jobs(crew((4, 4), form="one_job"), "10")
    some = changes.dropped(made, ["10_1"])
    assert next_step(some) is None
    assert cancels(changes.dropped(some, ["10_0"])) == ("10",)


def job(number: str, state: str, **more: int) -> Job:
    given = {"started": 0, "ends": 0, "submitted": 1000, "uid": 7, **more}
    return Job(id=number, name="", state=state, reason="", node="c1", exit_code="", **given)


def test_what_is_missing_is_what_was_lost_and_what_soon_ends() -> None:
    made = with_jobs(crew((4, 4, 2)), "10")
    assert missing(made, 5000, 300) == ()
    jobs = (job("10_0", "NODE_FAIL"), job("10_1", "RUNNING", started=5, ends=5200))
    made = seen(made, Told({Owned(one.id, "alice"): one for one in jobs}))
    assert missing(made, 5000, 300) == (4, 4)
    assert missing(made, 5000, 100) == (4,)
    asked = changes.with_batch(made, "b2", missing(made, 5000, 300))
    assert missing(asked, 5000, 300) == ()
    assert missing(changes.closing(made, "closed"), 5000, 300) == ()


def test_replacements_come_at_ever_longer_intervals() -> None:
    now = [0.0]
    patience = Patience(lambda: now[0])
    waited = []
    for _ in range(9):
        patience.asked("c1")
        begun = now[0]
        while not patience.is_over("c1"):
            now[0] += 5
        waited.append(now[0] - begun)
    assert waited == [15, 30, 60, 120, 240, 480, 900, 900, 900]
    assert patience.is_over("another")
    now[0] += CALM_SECONDS
    patience.asked("c1")
    now[0] += 15
    assert patience.is_over("c1")
