"""`hpcbinderhub rebuild`: an environment made again from its record, and what is different then."""

from __future__ import annotations

import argparse
import time
from typing import Any

from ..builds.bills import Recorded
from ..errors import NotFound, UserError
from ..images.bills.compare import Change, changes
from ..images.bills.model import Bill
from .remote import Remote, remote
from .table import moment, print_table, span

LOOK_SECONDS = 2.0
HEADINGS = ("", "PACKAGE", "BEFORE", "AFTER", "KIND", "WHERE")
LISTED = ("PACKAGE", "VERSION", "KIND", "WHERE")
DIGEST_LENGTH = 64


def add_options(command: argparse.ArgumentParser) -> None:
    """Which environment, and from what."""
    command.add_argument(
        "--locked", action="store_true", required=True, help="in the versions that were recorded"
    )


def rebuild(options: argparse.Namespace) -> None:
    """Make an environment again in the versions that were recorded, and say what differs.

    Names a build, or an artefact by its whole digest.
    """
    service = remote(options)
    like = find_build(service, options.build)
    before = recorded_of(service, like)
    build = service.call("POST", f"api/builds/{like}/rebuild")
    print(f"{build['id']} builds {build['repo_url']} at {build['commit'][:12]} again.", flush=True)
    _wait(service, build["id"])
    after = recorded_of(service, build["id"])
    print(f"It made {after.artefact}.")
    tell(before.bill, after.bill)


def describe(options: argparse.Namespace) -> None:
    """Show how a build went and what it made, its packages with it."""
    service = remote(options)
    build = service.call("GET", f"api/builds/{find_build(service, options.build)}")
    took = span(build["finished"] - build["started"]) if build["finished"] else ""
    facts = {
        "Build": f"{build['id']}, {build['state']}",
        "Repository": f"{build['repo_url']} at {build['commit']}",
        "Asked": f"{moment(build['created'])} by {build['asker']}",
        "Took": took,
        "Recipe key": build["key"],
        "Held to": build["locked_to"] or "",
    }
    recorded = find_recorded(service, build["id"])
    for name, value in (facts | (_facts(recorded) if recorded else {})).items():
        if value:
            print(f"{name + ':':<14}{value}")
    if recorded:
        packages = recorded.bill.packages
        print()
        print_table(LISTED, [(p.name, p.version, p.kind, p.where) for p in packages])


def tell(before: Bill, after: Bill) -> None:
    """Say what differs."""
    for what, one, other in (
        ("The base image", before.base_digest, after.base_digest),
        ("The build pack", before.build_pack, after.build_pack),
    ):
        if one != other:
            print(f"{what} was {one or 'unknown'} and is {other or 'unknown'}.")
    found = changes(before, after)
    if found:
        print(f"{len(found)} packages differ:")
        print_table(HEADINGS, [_row(change) for change in found])
    else:
        print(f"All {len(after.packages)} packages are the same.")
    for missing in sorted({*before.unread, *after.unread}):
        print(f"Not compared: {missing}.")


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


def _wait(service: Remote, build: str) -> None:
    """Until it is over, telling each phase once."""
    told = 0
    while True:
        found = service.call("GET", f"api/builds/{build}")
        for phase in found["phases"][told:]:
            print(f"  {phase}", flush=True)
        told = len(found["phases"])
        if found["state"] == "failed":
            raise _refused(found["failure"])
        if found["state"] == "done":
            return
        time.sleep(LOOK_SECONDS)


def _refused(failure: dict[str, Any]) -> UserError:
    lines = failure.get("lines") or []
    return UserError(
        failure["message"],
        failure.get("advice") or "Read the build's log.",
        detail="\n".join(lines),
    )


def _facts(recorded: Recorded) -> dict[str, str]:
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


def _row(change: Change) -> tuple[str, ...]:
    return (change.what, change.name, change.before, change.after, change.kind, change.where)
