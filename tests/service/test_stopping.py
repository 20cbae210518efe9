"""The service is told to stop: nobody is cut off, and the next one goes on."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cluster.person import Person
from cluster.rig import eventually
from hpcbinderhub.services.binder.handlers import workers as workers_handlers
from service import stream
from service.repository import ServedRepository
from service.running import RunningService

from hpcbinderhub.builds.records import Build

pytestmark = pytest.mark.slow

TOKEN = "a worker's token"


def test_who_waits_is_let_go_and_goes_on_with_the_next_service(
    alice: Person,
    start_service: Callable[..., RunningService],
    repository: ServedRepository,
    monkeypatch: pytest.MonkeyPatch,
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
    eventually(lambda: told_of_a_build(alice), 60, "the build is queued")
    # The build is taken by one worker; another waits for the next.
    claim()
    asked: list[str] = []
    queue = service.services.queue
    wait = queue.wait_and_claim

    async def seen_to_wait(worker: str, *more: Any) -> Build | None:
        asked.append(worker)
        return await wait(worker, *more)

    monkeypatch.setattr(queue, "wait_and_claim", seen_to_wait)
    # Nobody's patience ends by itself.
    monkeypatch.setattr(workers_handlers, "CLAIM_SECONDS", 600)
    waiting.append(threading.Thread(target=claim))
    waiting[1].start()
    eventually(lambda: asked, 60, "the other one waits")

    start_service(worker_tokens=workers)
    for one in waiting:
        one.join(60)
        assert not one.is_alive()
    assert claims == [200, 204]
    assert told[-1][1]["phase"] not in stream.ENDS

    # The lease of the worker that is silent runs out, and the tests' own builder makes it.
    rest = stream.build(alice, repository.spec(), since=told[-1][0])
    assert rest[-1]["phase"] == "ready"


def told_of_a_build(person: Person) -> bool:
    return bool(person.call("GET", "api/builds?state=queued").json())
