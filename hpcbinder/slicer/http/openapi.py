"""The description of the API, made from where its operations are defined.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hpcbinder import __version__

from .operation import JSON, Operation, Parameter

REFUSALS = {
    "400": "What was asked for cannot be; the sentence says which parameter.",
    "403": "Not signed in, or the file lies outside of all roots.",
    "404": "There is no such file, or nothing at this path in it.",
    "409": "A newer picture of the same view was asked for.",
    "413": "It is too much for one request.",
    "415": "The file is not HDF5; the sentence says what it is.",
    "429": "Too much is asked for at once.",
    "501": "The environment lacks a library that is needed, or nobody can read this.",
    "503": "The process that reads files died, and is started again.",
    "504": "It took too long.",
}


def openapi(operations: Iterable[Operation], prefix: str) -> dict[str, Any]:
    """All of it, for a server whose operations lie below `prefix`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "HPC BinderHub's HDF5 slicer", "version": __version__},
        "servers": [{"url": prefix.rstrip("/")}],
        "security": [{"token": []}],
        "paths": {f"/{each.path}": {"get": _operation(each)} for each in operations},
        "components": {
            "schemas": {"Refusal": REFUSAL},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The Jupyter server's token, or a cookie of its own.",
                }
            },
        },
    }


REFUSAL = {
    "type": "object",
    "required": ["message", "advice", "reason"],
    "properties": {
        "message": {"type": "string", "description": "What is wrong."},
        "advice": {"type": "string", "description": "What to do."},
        "reason": {"type": ["string", "null"], "description": "One word, for programs."},
    },
}


def _operation(operation: Operation) -> dict[str, Any]:
    refused = {JSON: {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    return {
        "operationId": operation.path.replace("/", "_").replace(".", "_").strip("_"),
        "summary": operation.summary,
        "description": operation.notes,
        "parameters": [_parameter(parameter) for parameter in operation.parameters],
        "responses": {
            "200": {
                "description": " ".join(operation.answers.values()),
                "content": {kind: {"schema": _schema(kind)} for kind in operation.answers},
            },
            "304": {"description": "What `If-None-Match` names is still so."},
            **{
                status: {"description": text, "content": refused}
                for status, text in REFUSALS.items()
            },
        },
    }


def _schema(kind: str) -> dict[str, Any]:
    if kind == JSON:
        return {"type": "object"}
    return {} if kind.startswith("text/") else {"type": "string", "format": "binary"}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.type}
    if parameter.values:
        integers = parameter.type == "integer"
        schema["enum"] = [int(value) if integers else value for value in parameter.values]
    told = {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.help,
        "schema": schema,
    }
    return {**told, "example": parameter.example} if parameter.example else told
