"""What `Workers` asks the service for, by the client that is in images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cluster.person import Person
from service.conftest import PROFILES
from service.repository import ServedRepository
from service.running import RunningService
from service.test_crews import CREWS, token

from hpcbinder.workers.errors import Unreachable, WorkersError
from hpcbinder.workers.service import ServiceCrews
from hpcbinder.workers.wanted import request

pytestmark = pytest.mark.slow


@pytest.fixture
def service(start_service: Callable[..., RunningService]) -> RunningService:
    first, second = PROFILES
    return start_service(profiles=[first, {**second, "cpus": 4, "worker_nodes": 3}])


@pytest.fixture
def asks(
    alice: Person, service: RunningService, repository: ServedRepository
) -> Callable[..., ServiceCrews]:
    """What a notebook of hers asks with, by its server's own token if no other is given."""
    made = alice.launch(repository.url, profile="regular")
    assert alice.follow(made)["phase"] == "ready"
    launch = service.do(service.services.book.get(made))
    assert launch is not None
    own = token(alice, f"{CREWS}!server=alice/{launch.server}")

    def client(authorization: str = own["Authorization"], **_: Any) -> ServiceCrews:
        return ServiceCrews(
            f"{service.url}/api/crews/{made}", authorization.removeprefix("Bearer ")
        )

    return client


async def test_all_that_a_crew_goes_through(asks: Callable[..., ServiceCrews]) -> None:
    crews = asks()
    (profile,) = (await crews.offer()).profiles
    assert (profile.name, profile.max_nodes, profile.cpus) == ("regular", 3, 4)
    asked = request(0, None, "inversion", {"threads": 2, "keep": True, "memory": "2 GB"})
    crew, keys = await crews.create(asked)
    assert (crew.name, crew.per_node, crew.threads, crew.keep) == ("inversion", 2, 2, True)
    assert keys.key.startswith("-----BEGIN")
    assert await crews.keys(crew.id) == keys
    assert repr(keys) == "Keys(…)"
    told = await crews.change(crew.id, scheduler="tls://10.0.0.1:8786")
    assert told.version > crew.version
    seen = await crews.state(crew.id, crew.version, 20)
    assert (seen.scheduler, seen.over) == ("tls://10.0.0.1:8786", False)
    (listed,) = (await crews.offer()).crews
    assert listed == seen
    with pytest.raises(WorkersError) as refused:
        await crews.change(crew.id, nodes=4)
    assert refused.value.message
    assert refused.value.advice
    closed = await crews.close(crew.id, "idle")
    assert closed is not None
    assert (closed.over, "nothing to do" in closed.words) == (True, True)
    assert await crews.close("0123456789abcdef01", "closed") is None


async def test_a_refusal_is_the_services_own_sentence(asks: Callable[..., ServiceCrews]) -> None:
    await asks().create(request(0, None, "inversion", {}))
    with pytest.raises(WorkersError, match="already") as refused:
        await asks().create(request(0, None, "inversion", {}))
    assert refused.value.status == 409
    with pytest.raises(WorkersError):
        await asks().create(request(None, 4, "more", {}))
    with pytest.raises(WorkersError) as stranger:
        await asks("Bearer nobody").offer()
    assert stranger.value.status == 403
    assert not isinstance(stranger.value, Unreachable)
