"""The benchmark of many servers, made small: it goes on running while what it measures changes."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from builds.jobs.own_slurm import what_is_missing
from slurm.accounts import needs_root

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), needs_root]


def test_two_servers() -> None:
    if what_is_missing():
        pytest.skip(what_is_missing())
    # Last on the path, since the project's folders are not its packages.
    root = str(Path(__file__).parents[2])
    if root not in sys.path:
        sys.path.append(root)
    benchmark = importlib.import_module("benchmarks.spawner")
    figures = benchmark.run(servers=2, seconds=15)
    assert set(benchmark.AIMS) <= set(figures)
    # In so short a time, one look more or less is four a minute.
    assert 0 < figures["rpcs_per_min_1"] <= 14
    assert 0 < figures["rpcs_per_min_200"] <= 14
    assert figures["state_age_p99_s"] > 0
    assert figures["hub_cpu_without_agent"] > figures["hub_cpu_batchspawner_over_ours"] > 0
