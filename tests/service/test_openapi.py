"""The API's description says what the handlers do, and the handlers do what it says."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from cluster.person import Person
from hpcbinderhub.services.binder.handlers import routes
from hpcbinderhub.services.binder.handlers.base import UserHandler
from hpcbinderhub.services.binder.operations import METHODS, described
from images.bills.bills import bill, python
from service.repository import ServedRepository
from service.running import RunningService

PREFIX = "/services/binder/"
TABLE = routes(PREFIX, "Tests")
# For jobs, workers and BinderHub's clients: described where they are written.
NAMED = ("/api/parse", "/api/opening")
NOT_OURS = (
    *("ContentHandler", "PartsHandler", "SubmoduleHandler", "ObjectsHandler"),
    "RepoProvidersHandler",
)


def description() -> dict[str, Any]:
    """As the service serves it."""
    (found,) = [rest["description"] for _, handler, *(rest,) in filter(lambda r: len(r) > 2, TABLE)
                if handler.__name__ == "OpenAPIHandler"]  # fmt: skip
    return found  # type: ignore[no-any-return]


def test_every_method_for_users_is_described() -> None:
    for pattern, handler, *_ in TABLE:
        if f"{PREFIX}api/" not in pattern or not issubclass(handler, UserHandler):
            continue
        if handler.__name__ not in NOT_OURS:
            written = {name for name in METHODS if name in vars(handler)}
            assert written == set(described(handler)), handler


def test_every_reference_leads_somewhere() -> None:
    whole = description()
    referred = set(re.findall(r"#/components/schemas/(\w+)", str(whole)))
    assert referred <= set(whole["components"]["schemas"])
    assert "ErrorModel" in referred
    parameters = {
        parameter["name"]
        for path in whole["paths"].values()
        for operation in path.values()
        for parameter in operation["parameters"]
    }
    assert {"build_id", "launch_id", "limit", "since"} <= parameters


def test_every_operation_says_its_scope() -> None:
    for path, methods in description()["paths"].items():
        for operation in methods.values():
            assert "custom:hpcbinderhub:" in operation["description"], path


@pytest.mark.slow
def test_it_is_served_to_everybody(service: RunningService) -> None:
    answer = httpx.get(f"{service.url}/api/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.0"
    assert "/api/builds/{build_id}/retry" in answer.json()["paths"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "methods"), [(p, list(m)) for p, m in sorted(description()["paths"].items())]
)
def test_a_token_without_the_scope_is_refused(
    path: str, methods: list[str], service: RunningService, alice: Person
) -> None:
    scopes = ["access:services!service=binder"]
    body = {"note": "no scope", "scopes": scopes}
    token = alice.hub("POST", "users/alice/tokens", body).json()["token"]
    address = f"{service.url}{re.sub('{[^}]+}', 'abc0', path)}"
    for method in methods:
        for headers in ({}, {"Authorization": f"Bearer {token}"}):
            answer = httpx.request(method, address, headers=headers, json={})
            assert answer.status_code == 403, (method, headers)


@pytest.mark.slow
def test_answers_have_the_shape_that_is_described(
    service: RunningService, alice: Person, carol: Person, repository: ServedRepository
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    whole = description()
    service.builder.bill = bill(python("six", "1.17.0"))
    made = alice.call("POST", "api/builds", {"repository": repository.url}).json()
    launch = alice.launch(repository.url)
    alice.follow(launch)
    (image, *_) = alice.call("GET", "api/images").json()
    crew = alice.call("POST", f"api/crews/{launch}", {"name": "workers", "nodes": 1}).json()
    known = {
        "build_id": made["build"]["id"],
        "launch_id": launch,
        "key": image["key"],
        "crew_id": crew["id"],
        "node_id": crew["nodes"][0]["id"],
    }
    for path, methods in whole["paths"].items():
        answer_of = methods.get("get", {}).get("responses", {}).get("200", {})
        schema = answer_of.get("content", {}).get("application/json", {}).get("schema")
        if schema:
            query = f"?repository={repository.url}" if path in NAMED else ""
            asks = carol if "custom:hpcbinderhub:admin" in str(methods["get"]) else alice
            answer = asks.call("GET", path.format(**known).lstrip("/") + query)
            assert answer.status_code == 200, path
            jsonschema.validate(answer.json(), {**schema, "components": whole["components"]})
