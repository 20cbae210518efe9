"""Reads BinderHub's event stream as its clients do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
from cluster.person import Person

ACCEPT = {"Accept": "text/event-stream"}
ENDS = ("ready", "failed")


def read(
    url: str, headers: dict[str, str], client: httpx.Client | None = None, **query: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each event with its id, to the end of the stream."""
    name = ""
    with (client or httpx).stream(
        "GET", url, params=query or None, headers=ACCEPT | headers, timeout=60
    ) as answer:
        assert answer.headers.get("Content-Type", "").startswith("text/event-stream"), answer
        for line in answer.iter_lines():
            if line.startswith("id: "):
                name = line[4:]
            elif line.startswith("data: "):
                yield name, json.loads(line[6:])


def build(person: Person, spec: str, since: str = "", **query: str) -> list[dict[str, Any]]:
    """All events of a build request with a token, to its end."""
    return [event for _, event in numbered(person, spec, since, **query)]


def numbered(
    person: Person, spec: str, since: str = "", **query: str
) -> list[tuple[str, dict[str, Any]]]:
    """`build`, with the events' ids."""
    headers = {"Authorization": f"Bearer {person.token}"}
    if since:
        headers["Last-Event-ID"] = since
    found = []
    for name, event in read(f"{person.url}/services/binder/build/{spec}", headers, **query):
        found.append((name, event))
        if event["phase"] in ENDS or (query.get("build_only") and event["phase"] == "built"):
            break
    return found
