"""How often workers that adapt ask for more, by a clock that is turned by hand, and when not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("distributed")

from hpcbinder.workers.adaptive import NodeAdaptive, Pace


def test_a_whole_hour_stays_below_what_a_service_takes() -> None:
    pace = Pace(0)
    assert sum(pace.allows(second) for second in range(3600)) < 95


def test_a_few_at_once_and_later_a_few_again() -> None:
    pace = Pace(0)
    assert [pace.allows(1) for _ in range(11)] == [True] * 10 + [False]
    assert [pace.allows(46) for _ in range(2)] == [True, False]
    assert [pace.allows(7200) for _ in range(11)] == [True] * 10 + [False]


async def test_whoever_says_how_many_is_not_overruled_by_a_look_that_was_under_way() -> None:
    asked = []

    async def to_nodes(nodes: int, idle_only: bool) -> None:
        asked.append(nodes)

    cluster = SimpleNamespace(scaling=SimpleNamespace(to_nodes=to_nodes))
    looks = cluster._adaptive = NodeAdaptive(cluster, minimum=0, maximum=8, interval=0)
    await looks.scale_up(3)
    # What `scale` does first.
    cluster._adaptive = None
    await looks.scale_up(4)
    await looks.scale_down(1)
    assert asked == [3]
