"""Describes the API where it is defined: `@operation` on a handler's method, and OpenAPI from it.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter

from hpcbinderhub import __version__

from .models import ErrorModel

Method = TypeVar("Method", bound=Callable[..., Any])
METHODS = ("get", "post", "put", "patch", "delete")
REFUSALS = {
    "400": "What was asked for cannot be done.",
    "403": "The caller may not do this.",
    "404": "It does not exist, or not for the caller.",
    "409": "It cannot be done in the state that things are in.",
    "429": "Asked too often; `Retry-After` says when to try again.",
    "502": "Another server, a forge or an archive, answers badly.",
    "503": "A part of the site does not answer.",
    "504": "Another server does not answer in time.",
}
EVENT_STREAM = "text/event-stream"
_GROUP = re.compile(r"\(([^)]*)\)")


@dataclass(frozen=True)
class Operation:
    """What one method of a handler does, for its callers."""

    summary: str
    scope: str
    answers: Mapping[int, Any]
    """Status to the type of the answer's body; None where there is none."""
    media_type: str = "application/json"
    body: type[BaseModel] | type[bytes] | None = None
    """`bytes` for a file."""
    query: type[BaseModel] | None = None
    notes: str = field(default="")


def operation(
    summary: str,
    *,
    scope: str,
    answers: Mapping[int, Any],
    media_type: str = "application/json",
    body: type[BaseModel] | type[bytes] | None = None,
    query: type[BaseModel] | None = None,
) -> Callable[[Method], Method]:
    """Describe a method. What follows the first line of its docstring becomes the description."""

    def mark(method: Method) -> Method:
        notes = inspect.getdoc(method) or ""
        method.operation = Operation(  # type: ignore[attr-defined]
            summary, scope, answers, media_type, body, query, notes
        )
        return method

    return mark


def described(handler: type) -> dict[str, Operation]:
    """The operations of a handler, by method."""
    found = {name: getattr(getattr(handler, name, None), "operation", None) for name in METHODS}
    return {name: operation for name, operation in found.items() if operation}


def openapi(routes: Iterable[tuple[Any, ...]], prefix: str, title: str) -> dict[str, Any]:
    """The description of all operations behind these routes."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for pattern, handler, *_ in routes:
        operations = described(handler)
        if operations:
            names = _parameters(handler, next(iter(operations)))
            path = _path(pattern.removeprefix(prefix), names)
            parts = dict(zip(names, _GROUP.findall(pattern), strict=True))
            paths[path] = {
                method: _operation(method, path, parts, found, schemas)
                for method, found in operations.items()
            }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{title}: API", "version": __version__},
        "servers": [{"url": prefix.rstrip("/")}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**schemas, **_schema(ErrorModel, schemas, named=True)},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of JupyterHub's, from its page “Token” or its API.",
                }
            },
        },
    }


def _parameters(handler: type, method: str) -> list[str]:
    return list(inspect.signature(getattr(handler, method)).parameters)[1:]


def _path(pattern: str, names: list[str]) -> str:
    """A route's pattern with its groups replaced by names."""
    left = iter(names)
    return "/" + _GROUP.sub(lambda _: f"{{{next(left)}}}", pattern)


def _operation(
    method: str, path: str, parts: dict[str, str], found: Operation, schemas: dict[str, Any]
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{method}{path}").strip("_"),
        "summary": found.summary,
        "description": f"{found.notes}\n\nNeeds the scope `{found.scope}`.",
        "parameters": [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "pattern": f"^{pattern}$"},
            }
            for name, pattern in parts.items()
        ],
        "responses": {
            str(status): _answer(found, type_, schemas) for status, type_ in found.answers.items()
        }
        | {status: _refusal(text) for status, text in REFUSALS.items()},
    }
    if found.query:
        told["parameters"] += _query(found.query, schemas)
    if found.body:
        kind = "application/octet-stream" if found.body is bytes else "application/json"
        content = {kind: {"schema": _schema(found.body, schemas)}}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _answer(found: Operation, type_: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if type_ is None:
        return {"description": "Done."}
    schema = {"type": "string"} if type_ is str else _schema(type_, schemas)
    if found.media_type == EVENT_STREAM:
        schema = _sent_event(schema)
    return {"description": found.summary, "content": {found.media_type: {"schema": schema}}}


def _sent_event(schema: dict[str, Any]) -> dict[str, Any]:
    """One event as it is sent: a name to go on after, and JSON in a line of text."""
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}
    return {
        "type": "object",
        "properties": {"id": {"type": "string"}, "data": data},
        "required": ["data"],
    }


def _refusal(text: str) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/ErrorModel"}
    return {"description": text, "content": {"application/json": {"schema": reference}}}


def _query(model: type[BaseModel], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    properties = _expanded(model, schemas)["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.pop("description", ""),
            "schema": schema,
        }
        for name, schema in properties.items()
    ]


def _schema(type_: Any, schemas: dict[str, Any], named: bool = False) -> dict[str, Any]:
    """The schema of a type; models in it are added to `schemas` and referred to."""
    whole = _expanded(type_, schemas)
    if isinstance(type_, type) and issubclass(type_, BaseModel):
        if named:
            return {type_.__name__: whole}
        schemas[type_.__name__] = whole
        return {"$ref": f"#/components/schemas/{type_.__name__}"}
    return whole


def _expanded(type_: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    whole = TypeAdapter(type_).json_schema(ref_template="#/components/schemas/{model}")
    schemas |= whole.pop("$defs", {})
    return whole
