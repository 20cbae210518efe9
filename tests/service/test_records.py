"""What an environment is made of, and making it again, as somebody with a token types it."""

from __future__ import annotations

import json

import pytest
from cluster.person import Person
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from images.bills.bills import bill, debian, python
from service.commands import hpcbinderhub
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow

MADE = bill(python("numpy", "2.1.0"), python("six", "1.17.0"), debian("hello", "2.10-3"))


@pytest.fixture
def build(alice: Person, service: RunningService, repository: ServedRepository) -> dict[str, str]:
    """A build that has made something."""
    service.builder.bill = MADE
    made = alice.call("POST", "api/builds", {"repository": repository.url}).json()["build"]
    assert alice.build_log(made["id"])[-1]["phase"] == "built"
    return dict(made)


def test_everybody_who_may_read_it_sees_what_is_in_it(bob: Person, build: dict[str, str]) -> None:
    shown = hpcbinderhub(bob, "builds", "show", build["id"])
    facts = dict(line.split(":", 1) for line in shown.partition("\n\n")[0].splitlines())
    assert facts["Recipe key"].strip() == build["key"]
    assert facts["Build pack"].strip() == "UvPack"
    assert facts["Builder"].strip() == "buildah 1.28.2"
    assert facts["Base digest"].strip() == MADE.base_digest
    rows = [line.split() for line in shown.partition("\n\n")[2].splitlines()]
    assert rows == [
        ["PACKAGE", "VERSION", "KIND", "WHERE"],
        ["numpy", "2.1.0", "pypi", "/srv/hpcbinder/env"],
        ["six", "1.17.0", "pypi", "/srv/hpcbinder/env"],
        ["hello", "2.10-3", "deb"],
    ]


def test_its_bill_of_materials_is_fetched_from_its_own_page(
    alice: Person, build: dict[str, str]
) -> None:
    address = f"api/builds/{build['id']}/bill"
    assert f'href="/services/binder/{address}" download' in alice.call("GET", "mine").text
    answer = alice.call("GET", address)
    assert answer.headers["Content-Type"] == "application/vnd.cyclonedx+json; version=1.6"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(answer.text) is None
    about = json.loads(answer.text)["metadata"]["component"]
    assert about["hashes"] == [{"alg": "SHA-256", "content": build["key"]}]


@pytest.mark.parametrize("name", ["id", "key"])
def test_it_is_built_again_and_is_the_same(name: str, alice: Person, build: dict[str, str]) -> None:
    """By the build's id, or by the artefact's digest, which is the key with the tests' builder."""
    first, *phases, artefact, verdict = hpcbinderhub(
        alice, "rebuild", "--locked", build[name]
    ).splitlines()
    again = alice.call("GET", f"api/builds/{first.split()[0]}").json()
    assert first.endswith(f" builds {again['repo_url']} at {again['commit'][:12]} again.")
    assert {phase.strip() for phase in phases} <= {
        "waiting", "fetching", "building", "converting", "built"
    }  # fmt: skip
    assert (again["locked_to"], again["state"]) == (build["id"], "done")
    assert again["key"] != build["key"]
    assert artefact == f"It made {again['key']}."
    assert verdict == "All 3 packages are the same."
    assert f"Held to:      {build['id']}" in hpcbinderhub(alice, "builds", "show", again["id"])


def test_what_differs_is_said(
    alice: Person, service: RunningService, build: dict[str, str]
) -> None:
    service.builder.bill = bill(
        python("numpy", "2.1.1"),
        debian("hello", "2.10-3"),
        base_digest="sha256:" + "3" * 64,
        unread=("the system's RPM packages",),
    )
    told = hpcbinderhub(alice, "rebuild", "--locked", build["id"]).splitlines()
    base, number, _heading, numpy, six, unread = told[-6:]
    assert base == f"The base image was {MADE.base_digest} and is sha256:{'3' * 64}."
    assert number == "2 packages differ:"
    assert numpy.split()[:4] == ["changed", "numpy", "2.1.0", "2.1.1"]
    assert six.split()[:3] == ["removed", "six", "1.17.0"]
    assert unread == "Not compared: the system's RPM packages."


def test_a_rebuild_that_fails_says_why(
    alice: Person, service: RunningService, build: dict[str, str]
) -> None:
    service.builder.failure = {
        "cause": "package-not-found",
        "message": "numpy==2.1.0 is not to be had any more.",
        "advice": "Build without a lock.",
    }
    told = hpcbinderhub(alice, "rebuild", "--locked", build["id"])
    assert told.endswith("numpy==2.1.0 is not to be had any more.\nBuild without a lock.\n")


def test_what_has_no_record_cannot_be_held_to_it(
    alice: Person, service: RunningService, repository: ServedRepository
) -> None:
    made = alice.call("POST", "api/builds", {"repository": repository.url}).json()["build"]
    assert alice.build_log(made["id"])[-1]["phase"] == "built"
    told = hpcbinderhub(alice, "rebuild", "--locked", made["id"])
    assert told.startswith("Nothing is recorded of what this build made.\n")
    assert "Packages:" not in hpcbinderhub(alice, "builds", "show", made["id"])
    unknown = hpcbinderhub(alice, "rebuild", "--locked", "9" * 64)
    assert unknown.startswith("No build is known that made this artefact.\n")
