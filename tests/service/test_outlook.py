"""What is free, and when a launch would start: what the page asks for, as anybody may."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cluster.person import Person
from service.running import RunningService
from service.slurm_commands import slurm

pytestmark = pytest.mark.slow


def test_what_is_free_is_told_of_ones_own_profiles_from_one_question_for_all(
    service: RunningService, alice: Person, bob: Person
) -> None:
    answer = alice.call("GET", "api/availability").json()
    words = {one["name"]: one["words"] for one in answer["partitions"]}
    assert words == {
        "interactive": "1 node idle, 8 of 8 cores free.",
        "regular": "0 nodes idle, 5 of 16 cores free, 3 of 8 a100 free, 1 node down or drained.",
    }
    assert bob.call("GET", "api/availability").json()["age"] < 30
    assert service.members.asked == [(service.site.watcher_user, "availability")]


def test_the_page_has_a_place_for_both(alice: Person) -> None:
    page = alice.call("GET", "").text
    assert 'data-free="interactive"' in page
    assert 'id="outlook"' in page


def test_a_forecast_is_asked_for_as_the_user_with_the_options_of_a_launch(
    start_service: Callable[..., RunningService], people: dict[str, Person], tmp_path: Path
) -> None:
    said = tmp_path / "said"
    says = "sbatch: Job 7 to start at $(($(date +%s) + 1200)) using 1 processors"
    sbatch = f'cat >/dev/null; echo "$@" >>{said}; echo "{says}" >&2'
    service = start_service(slurm_path=slurm(tmp_path / "commands", sbatch=sbatch))
    chosen = {"profile": "regular", "minutes": 90, "nodes": 2, "gpus": 1, "account": "geo"}
    alice = people["alice"]
    answer = alice.call("POST", "api/forecast", chosen).json()
    assert 1190 <= answer["wait"] <= 1200
    (asked,) = said.read_text().splitlines()
    assert asked.startswith("--test-only ")
    for option in ("--partition=regular", "--time=90", "--nodes=2", "--gres=gpu:1"):
        assert option in asked.split()
    assert "--account=geo" in asked.split()

    # The same question gets the same answer, and Slurm is left alone.
    assert alice.call("POST", "api/forecast", chosen).json()["wait"] <= answer["wait"]
    assert service.members.asked == [("alice", "forecast")]


def test_what_the_site_or_slurm_would_refuse_is_refused_before_a_click(
    start_service: Callable[..., RunningService], people: dict[str, Person], tmp_path: Path
) -> None:
    refusal = "allocation failure: Requested time limit is invalid"
    path = slurm(tmp_path / "commands", sbatch=f"echo '{refusal}' >&2; exit 1")
    start_service(slurm_path=path)
    alice = people["alice"]
    answer = alice.call("POST", "api/forecast", {"profile": "regular", "minutes": 9000})
    assert answer.status_code == 400
    assert "gives 1 to 240 minutes" in answer.json()["message"]
    answer = alice.call("POST", "api/forecast", {"profile": "secret"})
    assert answer.status_code == 403
    answer = alice.call("POST", "api/forecast", {"profile": "regular"})
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "Slurm would refuse this job.",
        "advice": "Ask for less time, or choose another profile.",
        "detail": refusal,
    }


def test_a_cluster_that_is_silent_keeps_nobody_from_launching(
    service: RunningService, alice: Person
) -> None:
    service.members.silent = True
    assert alice.call("GET", "api/availability").status_code == 503
    answer = alice.call("POST", "api/forecast", {"profile": "regular"})
    assert answer.status_code == 503
