"""The page with what a launch opens, for whoever waits."""

from __future__ import annotations

import json

import httpx
import pytest
from cluster.person import Person
from service.repository import ServedRepository

pytestmark = pytest.mark.slow

HOSTILE = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "source": "# Tides <script>alert(1)</script>"},
            {
                "cell_type": "code",
                "source": "'</pre><script>alert(2)</script>'",
                "outputs": [
                    {"output_type": "stream", "text": "</pre><script>alert(3)</script>"},
                    {"output_type": "display_data", "data": {"text/html": "<script>alert(4)"}},
                ],
            },
        ]
    }
)


def look(person: Person, repository: ServedRepository, **more: str) -> httpx.Response:
    """The preview of a launch that has come to its end."""
    launch = person.launch(repository.url, **more)
    person.follow(launch)
    for server in person.servers():
        person.stop(server)
    return person.call("GET", f"launches/{launch}/preview")


def test_a_hostile_notebook_is_text_in_a_page_that_may_do_nothing(
    alice: Person, repository: ServedRepository
) -> None:
    repository.commit("index.ipynb", HOSTILE)
    page = look(alice, repository)
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "alert(4)" not in page.text
    for number in (1, 2, 3):
        assert f"&lt;script&gt;alert({number})&lt;/script&gt;" in page.text
    policy = page.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Vary"] == "Cookie"


def test_what_the_link_opens_comes_first(alice: Person, repository: ServedRepository) -> None:
    repository.commit("README.md", "The *readme*.")
    assert "The <em>readme</em>." in look(alice, repository).text
    repository.commit("index.ipynb", HOSTILE)
    assert "Tides" in look(alice, repository).text
    repository.commit("notes/a b.md", "The *notes*.")
    assert "The <em>notes</em>." in look(alice, repository, open="notes/a b.md").text
    # A folder shows nothing itself.
    assert "Tides" in look(alice, repository, open="notes").text


def test_there_may_be_nothing_to_look_at(alice: Person, repository: ServedRepository) -> None:
    page = look(alice, repository)
    assert page.status_code == 404
    assert "has nothing to look at beforehand" in page.text
    repository.commit("index.ipynb", "no notebook")
    page = look(alice, repository)
    assert page.status_code == 400
    assert "“index.ipynb” is not a notebook." in page.text


def test_it_is_the_owners(alice: Person, bob: Person, repository: ServedRepository) -> None:
    repository.commit("README.md", "The *readme*.")
    launch = alice.launch(repository.url)
    alice.follow(launch)
    path = f"launches/{launch}/preview"
    assert alice.call("HEAD", path).status_code == 200
    assert bob.call("GET", path).status_code == 404
    assert httpx.get(f"{alice.url}/services/binder/{path}").status_code == 403
