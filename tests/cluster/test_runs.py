"""A notebook with parameters as a batch job: asked for over REST, and nobody looks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cluster.person import Person
from cluster.rig import Rig, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

RUN_SECONDS = 400


def cell(source: str, *tags: str) -> dict[str, Any]:
    made = {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}}
    return {**made, "outputs": [], "execution_count": None}


def book(*cells: dict[str, Any]) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells})


SQUARES = book(
    cell("count = 2\nname = ''", "parameters"),
    cell(
        "from hpcbinder import Workers\n"
        "with Workers(2, minutes=20) as workers:\n"
        "    client = workers.client()\n"
        "    found = sum(client.gather(client.map(lambda n: n * n, range(count), pure=False)))\n"
        "print(name, found)"
    ),
)
SLOW = book(cell("import time\ntime.sleep(600)"))
BROKEN = book(cell("print('as far as here')"), cell("{}['depth']"))


@pytest.fixture(scope="module")
def notebooks(rig: Rig) -> str:
    """A repository with the environment of our first example."""
    files = {"runs/squares.ipynb": SQUARES, "broken.ipynb": BROKEN, "slow.ipynb": SLOW}
    requirements = rig.example("quickstart")["requirements.txt"]
    return rig.repository("runs", {"requirements.txt": requirements, **files})


def over(person: Person, launch: str) -> dict[str, Any]:
    """How the server of a launch ended."""

    def look() -> dict[str, Any] | None:
        shown = person.call("GET", f"api/launches/{launch}").json()
        assert shown["state"] != "failed", shown["failure"]
        known: dict[str, Any] | None = person.call("GET", f"api/launches/{launch}/server").json()
        return known if known and known["stage"] == "ended" else None

    found: dict[str, Any] = eventually(look, RUN_SECONDS, "the notebook has ended")
    return found


def file(rig: Rig, person: Person, launch: str, path: str) -> Any:
    """One that the launch left in its owner's workspace."""
    workspace = person.call("GET", f"api/launches/{launch}").json()["workspace"]
    where = f"/home/{person.name}/hpcbinder/workspaces/{workspace}/files/{path}"
    return json.loads(rig.cluster.run("login", "cat", where).stdout)


def test_a_notebook_runs_with_its_parameters_and_workers_and_its_job_is_gone(
    rig: Rig, alice: Person, notebooks: str
) -> None:
    run = {"notebook": "runs/squares.ipynb", "parameters": {"count": 20, "name": "it's ü"}}
    launch = alice.launch(notebooks, run={**run, "output": "found/squares-20.ipynb"})
    ended = over(alice, launch)
    words = "squares.ipynb ran to its end. What it has shown is in squares-20.ipynb."
    assert (ended["exit_code"], ended["words"]) == (0, words)
    shown = file(rig, alice, launch, "found/squares-20.ipynb")["cells"][-1]
    assert shown["outputs"][-1]["text"] == [f"it's ü {sum(n * n for n in range(20))}\n"]
    assert file(rig, alice, launch, "found/squares-20.json")["exit_code"] == 0
    assert len(rig.jobs_of_launch(launch)) == 1
    eventually(lambda: not rig.jobs("alice"), 180, "neither it nor its workers have a job")


def test_two_run_at_once_and_one_that_fails_says_where(
    rig: Rig, alice: Person, notebooks: str
) -> None:
    runs = [{"notebook": "broken.ipynb", "output": f"{name}.ipynb"} for name in "ab"]
    launches = [alice.launch(notebooks, run=run) for run in runs]
    for launch, name in zip(launches, "ab", strict=True):
        ended = over(alice, launch)
        assert ended["exit_code"] == 1
        assert ended["words"].startswith("A cell of broken.ipynb failed: KeyError: 'depth'.")
        shown = file(rig, alice, launch, f"{name}.ipynb")["cells"][0]
        assert shown["outputs"][0]["text"] == ["as far as here\n"]


def test_a_run_is_stopped_as_any_server_is(rig: Rig, alice: Person, notebooks: str) -> None:
    launch = alice.launch(notebooks, run={"notebook": "slow.ipynb"})
    assert alice.follow(launch)["phase"] == "ready"
    alice.stop(alice.call("GET", f"api/launches/{launch}").json()["server"])
    eventually(lambda: not rig.jobs("alice"), 180, "nothing of it is left")
