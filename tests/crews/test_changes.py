"""What may be asked of a crew, and what it is then."""

from __future__ import annotations

import pytest
from crews.crews import crew, told

from hpcbinderhub.crews import changes
from hpcbinderhub.crews.records import BatchState, Crew, CrewState, NodeState
from hpcbinderhub.crews.sizes import share_of, spread
from hpcbinderhub.errors import UserError
from hpcbinderhub.profiles import Resources

FAILURE = {"message": "Slurm refused the job.", "advice": "Wait.", "detail": "QOS"}


def with_jobs(made: Crew, *jobs: str) -> Crew:
    """As if Slurm had taken its batches."""
    for batch, job in zip(made.batches, jobs, strict=True):
        made = changes.begun(made, batch.id, f"/launches/{batch.id}", 1001.0)
        made = changes.submitted(made, batch.id, job, "digest")
    return made


def test_more_is_one_more_batch_with_what_is_missing() -> None:
    one = changes.scaled(crew((4, 4)), "b2", nodes=5, workers=None)
    assert [batch.size for batch in one.batches] == [2, 3]
    assert (one.wanted_nodes, one.wanted_workers) == (5, 20)
    two = changes.scaled(one, "b3", nodes=None, workers=26)
    assert [node.workers for node in two.nodes if node.batch == "b3"] == [4, 2]
    assert (two.wanted_nodes, two.wanted_workers) == (7, 26)
    assert changes.scaled(two, "b4", nodes=7, workers=None) == two


def test_fewer_are_those_that_wait_from_the_last_on() -> None:
    made = with_jobs(crew((4, 4, 4), (4, 2)), "10", "20")
    made = running(made, "10_0", "20_1")
    fewer = changes.scaled(made, "", nodes=3, workers=None)
    assert told(fewer) == "10_0:running 10_1:pending 10_2:-pending 20_0:-pending 20_1:running"
    assert (fewer.wanted_nodes, fewer.wanted_workers) == (3, 10)
    # What runs is for the notebook to choose from.
    least = changes.scaled(fewer, "", nodes=0, workers=None)
    assert (least.wanted_nodes, least.wanted_workers) == (2, 6)


def test_fewer_workers_leave_at_least_so_many() -> None:
    made = changes.scaled(crew((4, 4, 4)), "", nodes=None, workers=5)
    assert (made.wanted_nodes, made.wanted_workers) == (2, 8)


def running(made: Crew, *ids: str) -> Crew:
    """As if these had started."""
    return Crew(
        **{
            **{name: getattr(made, name) for name in made.__dataclass_fields__},
            "nodes": tuple(
                type(node)(**{**vars(node), "state": NodeState.RUNNING})
                if made.node_id(node) in ids
                else node
                for node in made.nodes
            ),
        }
    )


def test_exactly_what_is_named_is_dropped() -> None:
    made = running(with_jobs(crew((4, 4, 4)), "10"), "10_0", "10_1")
    made = changes.dropped(made, ["10_1"])
    assert told(made) == "10_0:running 10_1:-running 10_2:pending"
    assert (made.wanted_nodes, made.wanted_workers) == (2, 8)
    heard = changes.cancelled(made, {("b1", 1)})
    assert told(heard) == "10_0:running 10_1:-ending 10_2:pending"
    with pytest.raises(UserError, match="no node 10_7"):
        changes.dropped(made, ["10_7"])


def test_slurm_is_not_asked_for_what_nobody_wants_any_more() -> None:
    made = changes.scaled(crew((4, 4, 4)), "", nodes=1, workers=None)
    made = changes.begun(made, "b1", "/launches/b1", 1001.0)
    assert made.batch("b1").size == 1
    assert told(made) == "b1_0:submitting b1_1:-ended b1_2:-ended"
    nothing = changes.scaled(crew((4, 4)), "", nodes=0, workers=None)
    assert nothing.batch("b1").state is BatchState.OVER
    assert changes.begun(nothing, "b1", "/launches/b1", 1001.0) == nothing
    assert nothing.submissions == 0


def test_a_crew_is_over_when_its_last_node_is() -> None:
    assert changes.closing(crew(), "closed").state is CrewState.CLOSED
    assert changes.closing(crew((4, 4)), "closed").state is CrewState.CLOSED
    made = changes.closing(with_jobs(crew((4, 4), keys="sealed"), "10"), "idle")
    assert (made.state, made.why, made.keys) == (CrewState.CLOSING, "idle", "")
    assert changes.closing(made, "closed") == made
    with pytest.raises(UserError, match="over"):
        changes.scaled(made, "b2", nodes=3, workers=None)


def test_what_slurm_refuses_first_is_the_end_and_later_is_not() -> None:
    made = changes.begun(crew((4, 4)), "b1", "/launches/b1", 1001.0)
    made = changes.refused(made, "b1", FAILURE)
    assert (made.state, made.failure) == (CrewState.FAILED, FAILURE)
    made = changes.grown(with_jobs(crew((4, 4)), "10"), "b2", (4,))
    made = changes.refused(changes.begun(made, "b2", "/b2", 1001.0), "b2", FAILURE)
    assert (made.state, made.failure, made.wanted_nodes) == (CrewState.OPEN, FAILURE, 2)
    # What is asked for next begins anew.
    assert changes.grown(made, "b3", (4,)).failure is None


def node(**values: int) -> Resources:
    """A node with so much."""
    given = {"minutes": 60, "nodes": 1, "cpus": 16, "memory_mb": 64000, "gpus": 0}
    return Resources(**{**given, **values}, partition="regular")


def test_a_node_is_shared_out_among_workers() -> None:
    assert share_of(node(), 1) == (16, 1, 4000)
    assert share_of(node(memory_mb=0), 3) == (5, 3, 0)
    assert share_of(node(gpus=4), 2) == (4, 2, 16000)
    with pytest.raises(UserError, match="does not fit"):
        share_of(node(), 17)
    assert spread(10, 4) == (4, 4, 2)
    assert spread(8, 4) == (4, 4)
    assert spread(0, 4) == ()
