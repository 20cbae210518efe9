"""The arguments of `Workers`, before anything is sent."""

from __future__ import annotations

import pytest

from hpcbinder.workers.errors import WorkersError
from hpcbinder.workers.wanted import megabytes, request


def test_what_is_not_said_is_left_to_the_profile() -> None:
    asked = request(40, None, "inversion", {"profile": None, "threads": 2, "memory": "1.5 GB"})
    assert asked == {"name": "inversion", "workers": 40, "threads": 2, "memory_mb": 1536}


def test_workers_or_nodes_and_none_at_first() -> None:
    assert request(None, 4, "x", {}) == {"name": "x", "nodes": 4}
    assert request(None, None, "x", {}) == {"name": "x", "workers": 0}
    with pytest.raises(WorkersError, match="both asked for"):
        request(40, 4, "x", {})


@pytest.mark.parametrize("number", [-1, 1.5, "4", True])
def test_a_number_of_workers_is_a_number(number: object) -> None:
    with pytest.raises(WorkersError, match="no number of workers"):
        request(number, None, "x", {})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "Große", "a_b", "-a", "x" * 41, "../x"])
def test_a_name_can_be_part_of_an_address(name: str) -> None:
    with pytest.raises(WorkersError, match="cannot be the name"):
        request(1, None, name, {})


def test_nobody_needs_to_think_of_a_name() -> None:
    assert request(1, None, None, {})["name"] != request(1, None, None, {})["name"]


@pytest.mark.parametrize(
    ("said", "mb"), [("16 GB", 16384), ("512MiB", 512), ("1t", 2**20), (700, 700), ("1e9", None)]
)
def test_memory_as_people_write_it(said: int | str, mb: int | None) -> None:
    if mb is None:
        with pytest.raises(WorkersError, match="no amount of memory"):
            megabytes(said)
    else:
        assert megabytes(said) == mb
