"""The service is told to stop: nobody is cut off, and the next one goes on."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable

import httpx
import pytest
from cluster.person import Person
from cluster.rig import eventually
from service import stream
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow

TOKEN = "a worker's token"


def test_who_waits_is_let_go_and_goes_on_with_the_next_service(
    alice: Person, start_service: Callable[..., RunningService], repository: ServedRepository
) -> None:
    workers = {"node": hashlib.sha256(TOKEN.encode()).hexdigest()}
    service = start_service(worker_tokens=workers)
    service.do(service.hold_builder())
    claims: list[int] = []

    def claim() -> None:
        answer = httpx.post(
            f"{service.direct_url}/services/binder/api/worker/claim",
            json={},
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=60,
        )
        claims.append(answer.status_code)

    told: list[tuple[str, dict[str, object]]] = []

    def follow() -> None:
        bearer = {"Authorization": f"Bearer {alice.token}"}
        told.extend(stream.read(f"{alice.url}/services/binder/build/{repository.spec()}", bearer))

    waiting = [threading.Thread(target=follow)]
    waiting[0].start()
    eventually(lambda: told_of_a_build(alice), 10, "the build is queued")
    # The build is taken by one worker; another waits for the next.
    claim()
    waiting.append(threading.Thread(target=claim))
    waiting[1].start()
    time.sleep(0.5)

    begun = time.monotonic()
    start_service(worker_tokens=workers)
    for one in waiting:
        one.join(10)
        assert not one.is_alive()
    assert time.monotonic() - begun < 10
    assert claims == [200, 204]
    assert told[-1][1]["phase"] not in stream.ENDS

    # The lease of the worker that is silent runs out, and the tests' own builder makes it.
    rest = stream.build(alice, repository.spec(), since=told[-1][0])
    assert rest[-1]["phase"] == "ready"


def told_of_a_build(person: Person) -> bool:
    return bool(person.call("GET", "api/builds?state=queued").json())
