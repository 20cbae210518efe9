"""The benchmark of workers, where no cluster is: what its notebook runs, and what it reads."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from doubles.crews_service import CrewsService

SDIAG = """\
Main scheduler statistics (microseconds):
	Last cycle:   112

Remote Procedure Call statistics by message type
	REQUEST_SUBMIT_BATCH_JOB                ( 4003) count:16     ave_time:9262   total_time:148201
	REQUEST_KILL_JOB                        ( 5032) count:16     ave_time:1423   total_time:22781
	REQUEST_COMPLETE_BATCH_SCRIPT           ( 5018) count:16     ave_time:1129   total_time:18064
	MESSAGE_EPILOG_COMPLETE                 ( 6012) count:16     ave_time:342    total_time:5487
	MESSAGE_NODE_REGISTRATION_STATUS        ( 1002) count:3      ave_time:7495   total_time:22485
	REQUEST_JOB_INFO                        ( 2003) count:2      ave_time:21129  total_time:42258
	REQUEST_STATS_INFO                      ( 2035) count:1      ave_time:290    total_time:290

Remote Procedure Call statistics by user
	root            (       0) count:37     ave_time:708    total_time:24088
	alice           (    2001) count:32     ave_time:5343   total_time:170982
	hpcwatch        (    2900) count:1      ave_time:21129  total_time:21129

Pending RPC statistics
	No pending RPCs
"""


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    # Last on the path, since the project's folders are not its packages.
    root = str(Path(__file__).parents[3])
    monkeypatch.setattr(sys, "path", [*sys.path, root])


@pytest.fixture
def measure(benchmarks: None) -> ModuleType:
    return importlib.import_module("benchmarks.workers.measure")


def test_what_is_asked_of_the_controller_is_counted(measure: ModuleType) -> None:
    # One look at the jobs was the watcher's, and one somebody else's.
    assert measure.rpcs_in(SDIAG) == 4 * 16 + 1


def test_figures_are_ratios_of_means_and_limits_are_held_by_the_worst(
    measure: ModuleType,
) -> None:
    figures_of = importlib.import_module("benchmarks.workers.report").figures_of

    def run(seconds: float, rpcs: int) -> object:
        return measure.Run(measure.Times(seconds, 2 * seconds, 1, 40), seconds, rpcs, 0, 1.0)

    runs = {
        ("ours", 40): [run(1, 9), run(3, 11)],
        ("lean", 40): [run(4, 160), run(8, 160)],
        ("default", 40): [run(20, 160), run(20, 160)],
    }
    assert figures_of(runs, (40,)) == {
        "submissions": 1,
        "submit_jobqueue_over_ours_40": 3.0,
        "connect_lean_over_ours": {"40": 3},
        "connect_default_over_ours": {"40": 10},
        "cpu_lean_over_ours": {"40": 3},
        "rpcs": {"40": 11},
        "left_processes": {"40": 0},
    }


def test_its_notebook_tells_when_workers_were_submitted_and_connected(
    benchmarks: None, service: CrewsService, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = importlib.import_module("benchmarks.workers.ours")
    kernel: dict[str, object] = {}
    exec(ours.FIRST, kernel)
    packages = json.loads(capsys.readouterr().out.splitlines()[-1])
    # With what they import where it is there, which differs from one image to the next.
    assert {"dask", "distributed"} <= {package.partition("==")[0] for package in packages}

    exec(ours.START.format(workers=2, profile="small", cpus=2, memory=1024), kernel)
    submitted, connected, submissions = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 0 < submitted <= connected
    assert submissions == 1

    exec(ours.CLOSE, kernel)
    assert [why for _, why in service.closed] == ["closed"]
