"""A launch that runs a notebook by itself, as it is asked for and as it is kept."""

from __future__ import annotations

import httpx
import pytest
from cluster.person import Person
from cluster.rig import eventually
from service.commands import hpcbinderhub
from service.repository import ServedRepository

pytestmark = pytest.mark.slow

RUN = {"notebook": "index.ipynb", "parameters": {"depth": 3, "at": [1.5, None]}, "output": None}


def test_a_run_starts_with_nobody_looking_in_a_server_of_its_own(
    alice: Person, repository: ServedRepository
) -> None:
    runs = [alice.launch(repository.url, run={**RUN, "output": name}) for name in ("a.ipynb", None)]
    shown = [
        eventually(lambda run=run: ready(alice, run), 60, "nobody follows it, and it is ready")
        for run in runs
    ]
    assert [one["run"]["output"] for one in shown] == ["a.ipynb", None]
    assert shown[1]["run"] == RUN
    first, second = (one["server"] for one in shown)
    assert first != second
    assert "-run-" in first
    assert shown[0]["workspace"] == shown[1]["workspace"]
    options = [one["user_options"]["run"] for one in models(alice, first, second)]
    assert options == [one["run"] for one in shown]
    # The repository can be worked in meanwhile.
    assert alice.follow(alice.launch(repository.url))["phase"] == "ready"


def test_what_cannot_be_run_is_named(alice: Person, repository: ServedRepository) -> None:
    asked = {"repository": repository.url, "profile": "interactive"}
    answer = alice.call("POST", "api/launches", {**asked, "run": {"notebook": "../x.ipynb"}})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("run.notebook: Value error, a path within the")


def test_no_link_runs_anything(alice: Person, repository: ServedRepository) -> None:
    before = alice.call("GET", "api/launches").json()
    spec = alice.call("GET", f"api/parse?repository={repository.url}&ref=main").json()["spec"]
    query = "profile=interactive&run=index.ipynb&notebook=index.ipynb&parameters=%7B%7D"
    page = alice.client.get(f"{alice.url}/services/binder/v2/{spec}?{query}")
    assert page.status_code == httpx.codes.OK
    assert alice.call("GET", "api/launches").json() == before


def test_one_that_is_over_is_offered_to_run_again(
    alice: Person, repository: ServedRepository
) -> None:
    launch = alice.launch(repository.url, run=RUN)
    eventually(lambda: ready(alice, launch), 60, "it is ready")
    alice.stop(ready(alice, launch)["server"])
    page = alice.call("GET", "mine").text
    assert "<code>index.ipynb</code> by itself" in page
    assert "Run again" in page
    assert "Resume</button>" not in page


def test_a_server_that_nothing_is_known_of_is_none(
    alice: Person, bob: Person, repository: ServedRepository
) -> None:
    launch = alice.launch(repository.url, run=RUN)
    assert alice.call("GET", f"api/launches/{launch}/server").json() is None
    assert bob.call("GET", f"api/launches/{launch}/server").status_code == 404
    alice.follow(launch)


def test_a_command_runs_a_notebook(alice: Person, repository: ServedRepository) -> None:
    words = (repository.url, "index.ipynb", "-p", "depth", "3", "-p", "name", "a b")
    told = hpcbinderhub(alice, "run", *words, "--profile", "interactive", "-o", "deep.ipynb")
    launch = told.split()[0]
    assert told.splitlines()[-1] == f"{alice.url}/services/binder/launches/{launch}"
    shown = alice.call("GET", f"api/launches/{launch}").json()
    assert shown["run"] == {
        "notebook": "index.ipynb",
        "parameters": {"depth": 3, "name": "a b"},
        "output": "deep.ipynb",
    }
    alice.follow(launch)


def test_the_command_waits_for_its_end(alice: Person, repository: ServedRepository) -> None:
    asked = (repository.url, "index.ipynb", "--profile", "interactive", "--wait")
    # The servers of this hub are no jobs, of whose ends it would tell.
    assert "Its server was stopped and removed." in hpcbinderhub(alice, "run", *asked)


def ready(person: Person, launch: str) -> dict[str, object] | None:
    shown: dict[str, object] = person.call("GET", f"api/launches/{launch}").json()
    return shown if shown["state"] == "ready" else None


def models(person: Person, *servers: str) -> list[dict[str, dict[str, object]]]:
    known = person.hub("GET", f"users/{person.name}").json()["servers"]
    return [known[server] for server in servers]
