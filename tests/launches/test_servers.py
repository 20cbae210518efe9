"""How long a server lasts, and which can be had again, from what its launches say."""

from __future__ import annotations

from typing import Any

import pytest

from hpcbinderhub.launches.options import Existing
from hpcbinderhub.launches.records import Launch, State
from hpcbinderhub.launches.servers import ends_by, recent, stopped
from hpcbinderhub.profiles import Profile
from hpcbinderhub.trust.reach import Reach

PROFILES = [Profile(name="short", title="Short", partition="p", minutes=30)]
NOTHING = dict.fromkeys(
    ("account", "minutes", "nodes", "gpus", "commit", "build", "artefact", "url", "failure")
)


def launch(**known: Any) -> Launch:
    values = {
        "id": "0abc1234", "user": "ada", "server": "tides", "workspace": "tides", "spec": "git/x",
        "repo_url": "https://example.org/tides", "ref": "main", "profile": "short", "open": "",
        "start_when_ready": False, "existing": Existing.KEEP, "private": False,
        "reach": Reach.CLOSED,
        "state": State.READY, "created": 0.0, "changed": 600.0,
    }  # fmt: skip
    return Launch(**NOTHING | values | known)


@pytest.mark.parametrize(
    ("known", "end"),
    [
        ({}, 600 + 30 * 60),
        ({"minutes": 5}, 600 + 5 * 60),
        ({"profile": "gone"}, None),
        ({"profile": "gone", "minutes": 5}, 600 + 5 * 60),
        ({"state": State.STARTING}, None),
    ],
)
def test_the_latest_end(known: dict[str, Any], end: float | None) -> None:
    assert ends_by(launch(**known), PROFILES) == end


def test_what_ran_last_and_runs_no_more_can_be_resumed() -> None:
    launches = [
        launch(server="waves", state=State.FAILED),
        launch(id="newest12", server="tides"),
        launch(id="older123", server="tides"),
        launch(server="waves"),
        launch(id="running1", server="winds"),
    ]
    assert [one.id for one in stopped(launches, ["winds"])] == ["newest12"]


def test_recent_are_the_last_launches_with_an_environment_one_for_each_server() -> None:
    tides = launch(id="4", server="tides", artefact="a" * 64)
    waves = launch(id="2", server="waves", artefact="b" * 64, state=State.FAILED)
    others = [launch(id="3", server="tides", artefact="c" * 64), launch(id="1", server="ice")]
    launches = [tides, others[0], waves, others[1]]
    assert recent(launches) == [tides, waves]
    assert recent(launches, "waves") == [waves, tides]
