"""Which nodes go when there shall be fewer."""

from __future__ import annotations

from hpcbinder.workers.choice import loads, names, nodes_for, surplus
from hpcbinder.workers.crew import Crew, Node


def crew(*nodes: Node) -> Crew:
    return Crew("1", "x", per_node=8, nodes=nodes)


def running(number: str, workers: int = 8) -> Node:
    return Node(number, "running", workers=workers)


THREE = crew(running("7_0"), running("7_1"), running("7_2"))


def test_those_that_do_least_go_first() -> None:
    assert surplus(THREE, 8, {"7_0": 0, "7_1": 5, "7_2": 2}, idle_only=False) == ["7_0", "7_2"]


def test_of_two_that_do_nothing_the_later_goes() -> None:
    assert surplus(THREE, 16, {"7_0": 0, "7_1": 0, "7_2": 0}, idle_only=False) == ["7_2"]


def test_a_busy_node_stays_if_only_idle_ones_may_go() -> None:
    assert surplus(THREE, 0, {"7_0": 0, "7_1": 5, "7_2": 1}, idle_only=True) == ["7_0"]


def test_no_node_goes_of_which_a_worker_is_wanted() -> None:
    assert surplus(THREE, 17, {}, idle_only=False) == []
    part = crew(running("7_0"), running("8_0", workers=1))
    assert surplus(part, 8, {"7_0": 0, "8_0": 9}, idle_only=False) == ["8_0"]


def test_what_has_ended_or_is_lost_counts_no_more() -> None:
    some = crew(running("7_0"), Node("7_1", "ended", workers=8), Node("7_2", "running", lost=True))
    assert surplus(some, 8, {}, idle_only=False) == []
    assert names(some) == {f"7_0-{number}" for number in range(8)}


def test_the_load_of_a_node_is_that_of_its_workers() -> None:
    found = loads(THREE, {"7_0-0": ["a"], "7_0-1": ["b", "c"], "7_1-0": []})
    assert found == {"7_0": 3, "7_1": 0, "7_2": -1}


def test_a_part_of_a_node_is_a_node() -> None:
    assert [nodes_for(THREE, workers) for workers in (0, 1, 8, 9, 40)] == [0, 1, 1, 2, 5]
