"""`hpcbinderhub builds show`: how a build went, and what it made."""

from __future__ import annotations

import argparse
from typing import Any

from ..builds.bills import Recorded
from ..errors import NotFound, UserError
from ..images.bills.model import Bill
from .remote import Remote, remote
from .table import moment, print_table, span

HEADINGS = ("PACKAGE", "VERSION", "KIND", "WHERE")
DIGEST_LENGTH = 64


def show(options: argparse.Namespace) -> None:
    """Show how a build went and what it made, its packages with it."""
    service = remote(options)
    build = service.call("GET", f"api/builds/{find_build(service, options.build)}")
    recorded = find_recorded(service, build["id"])
    facts = _of_build(build) | (_of_record(recorded) if recorded else {})
    for name, value in facts.items():
        if value:
            print(f"{name + ':':<14}{value}")
    if recorded:
        print()
        print_table(
            HEADINGS, [(p.name, p.version, p.kind, p.where) for p in recorded.bill.packages]
        )


def find_build(service: Remote, name: str) -> str:
    """A build, by its id or by the digest of the artefact that it made."""
    if len(name) != DIGEST_LENGTH:
        return name
    made = service.call("GET", f"api/builds?limit=1&artefact={name}")
    if not made:
        raise NotFound(
            "No build is known that made this artefact.", "See `hpcbinderhub builds list`."
        )
    return str(made[0]["id"])


def find_recorded(service: Remote, build: str) -> Recorded | None:
    """What a build made, if that is recorded."""
    try:
        return recorded_of(service, build)
    except UserError as error:
        if error.status == 404:
            return None
        raise


def recorded_of(service: Remote, build: str) -> Recorded:
    """What a build made."""
    found = service.call("GET", f"api/builds/{build}/environment")
    return Recorded(Bill.model_validate(found["bill"]), found["artefact"])


def _of_build(build: dict[str, Any]) -> dict[str, str]:
    ended = build["finished"] and build["started"]
    return {
        "Build": f"{build['id']}, {build['state']}",
        "Repository": f"{build['repo_url']} at {build['commit']}",
        "Asked": f"{moment(build['created'])} by {build['asker']}",
        "Took": span(build["finished"] - build["started"]) if ended else "",
        "Recipe key": build["key"],
        "Held to": build["locked_to"] or "",
    }


def _of_record(recorded: Recorded) -> dict[str, str]:
    bill = recorded.bill
    return {
        "Build pack": bill.build_pack,
        "Builder": f"{bill.builder} {bill.builder_version}",
        "Base image": bill.base_image,
        "Base digest": bill.base_digest,
        "System": bill.system,
        "Artefact": recorded.artefact,
        "Packages": str(len(bill.packages)),
        "Not read": "; ".join(bill.unread),
    }
