"""The service on PostgreSQL instead of SQLite: the same way through."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cluster.person import Person
from service import stream
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow


@pytest.fixture
def service(start_service: Callable[..., RunningService], postgres_url: str) -> RunningService:
    return start_service(database_url=postgres_url)


def test_the_whole_way_on_postgresql(
    service: RunningService, alice: Person, carol: Person, repository: ServedRepository
) -> None:
    told = stream.build(alice, repository.spec())
    assert told[-1]["phase"] == "ready"
    (build,) = alice.call("GET", "api/builds").json()
    assert (build["state"], build["asker"]) == ("done", "alice")
    assert "Collecting numpy" in alice.call("GET", f"api/builds/{build['id']}/log").text
    (image,) = alice.call("GET", "api/images").json()
    assert (image["launches"], image["in_use"]) == (1, True)
    assert carol.call("PUT", f"api/images/{image['key']}/pin").json()["pinned_by"] == "carol"
    (use,) = carol.call("GET", "api/people").json()
    assert (use["user"], use["launches"], use["builds"]) == ("alice", 1, 1)
    assert carol.call("GET", "health").json()["ok"]
    repository.commit("requirements.txt", "scipy\n")
    forced = alice.call("POST", "api/builds", {"repository": repository.url}).json()["build"]["id"]
    assert alice.build_log(forced)[-1]["phase"] == "built"
