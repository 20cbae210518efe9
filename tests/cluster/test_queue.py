"""Waiting in the queue blocks nobody."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cluster.crowd import crowd
from cluster.person import Person
from cluster.rig import Rig
from cluster.watch import Watch

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"
MANY = 150
SUBMIT_SECONDS = 300


def start_options(person: Person, profile: str) -> dict[str, Any]:
    """What the service asks of the hub to start a server."""
    assert person.follow(person.launch(QUICKSTART, profile=profile))["phase"] == "ready"
    ((server, model),) = person.hub("GET", f"users/{person.name}").json()["servers"].items()
    person.stop(server)
    return dict(model["user_options"])


def test_number_151_starts_while_150_wait(
    alice: Person, bob: Person, carol: Person, rig: Rig
) -> None:
    """The queue of one partition stands still, with more starts than JupyterHub allows at once
    where nobody changes that. They are few people's; 150 people's are in `tests/spawners`."""
    options = start_options(bob, "regular")
    rig.hold_starts("regular")
    try:
        with crowd(rig, [bob, carol], options) as many:
            many.start(MANY)
            most, limit = 0, time.monotonic() + SUBMIT_SECONDS
            while many.waiting() < MANY:
                most = max(most, many.submitting())
                assert time.monotonic() < limit, many.waiting()
                time.sleep(1)
            # Submitted one at a time of each of them.
            assert most <= 2
            Watch(alice, alice.launch(QUICKSTART, start_when_ready=True)).ready()
            assert many.waiting() == MANY
    finally:
        rig.allow_starts()
    assert not rig.jobs("bob")
    assert not rig.jobs("carol")
