"""Whatever a program sends, it is answered as the API's description says, and never with a 500."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import schemathesis
from cluster.person import Person
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from service.repository import ServedRepository
from service.running import RunningService
from service.test_openapi import description

pytestmark = pytest.mark.slow

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
HANG_SECONDS = 90
EXAMPLES = 40
ALLOWED, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


@pytest.fixture
def service(start_service: Callable[..., RunningService]) -> RunningService:
    """One that takes as many requests as come, and repositories from the tests' server alone."""
    return start_service(request_limit=0, repository_hosts=["127.0.0.1"])


@pytest.fixture
def known(alice: Person, repository: ServedRepository) -> dict[str, str]:
    """Something of everything, by the names that the description has for it."""
    launch = alice.launch(repository.url)
    assert alice.follow(launch)["phase"] == "ready"
    (build, *_) = alice.call("GET", "api/builds").json()
    alice.call("PUT", "api/credentials/127.0.0.1", {"token": "of the tests"})
    (server,) = alice.servers()
    return {
        "launch_id": launch,
        "build_id": build["id"],
        "key": build["key"],
        "host": "127.0.0.1",
        "server": server,
    }


@pytest.mark.parametrize("name", ["alice", "carol"])
def test_every_operation_answers_as_it_is_described(
    name: str, people: dict[str, Person], service: RunningService, known: dict[str, str]
) -> None:
    def ask(case: Case) -> None:
        case.call_and_validate(
            base_url=f"{service.direct_url}/services/binder",
            headers={"Authorization": f"Bearer {people[name].token}"},
            checks=CHECKS,
            timeout=HANG_SECONDS,
        )

    for found in schemathesis.openapi.from_dict(description()).get_all_operations():
        fuzz(found.ok(), known, ask)


def fuzz(operation: APIOperation, known: dict[str, str], ask: Callable[[Case], None]) -> None:
    """Ask what the operation allows and what it does not, of things that there are and others."""

    def cases(mode: GenerationMode) -> st.SearchStrategy[Case]:
        return operation.as_strategy(generation_mode=mode)

    @given(st.sampled_from([ALLOWED, WRONG]).flatmap(cases), st.booleans())
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def test(case: Case, of_known: bool) -> None:
        if of_known:
            for part in known.keys() & case.path_parameters.keys():
                case.path_parameters[part] = known[part]
        ask(case)

    test()
