"""`hpcbinderhub rebuild`: an environment made again from its record, and what is different then."""

from __future__ import annotations

import argparse
import time

from ..errors import UserError
from ..images.bills.compare import Change, changes
from ..images.bills.model import Bill
from .records import find_build, recorded_of
from .remote import Remote, remote
from .table import print_table

LOOK_SECONDS = 2.0
HEADINGS = ("", "PACKAGE", "BEFORE", "AFTER", "KIND", "WHERE")


def rebuild(options: argparse.Namespace) -> None:
    """Make an environment again in the versions that were recorded, and say what differs."""
    service = remote(options)
    like = find_build(service, options.build)
    before = recorded_of(service, like)
    build = service.call("POST", f"api/builds/{like}/rebuild")
    print(f"{build['id']} builds {build['repo_url']} at {build['commit'][:12]} again.", flush=True)
    _wait(service, build["id"])
    after = recorded_of(service, build["id"])
    print(f"It made {after.artefact}.")
    _tell(before.bill, after.bill)


def _wait(service: Remote, build: str) -> None:
    """Until it is over, telling each phase once."""
    told = 0
    while True:
        found = service.call("GET", f"api/builds/{build}")
        for phase in found["phases"][told:]:
            print(f"  {phase}", flush=True)
        told = len(found["phases"])
        if found["state"] == "failed":
            why = found["failure"]
            lines = "\n".join(why.get("lines") or [])
            raise UserError(why["message"], why.get("advice") or "Read its log.", detail=lines)
        if found["state"] == "done":
            return
        time.sleep(LOOK_SECONDS)


def _tell(before: Bill, after: Bill) -> None:
    for what, one, other in (
        ("base image", before.base_digest, after.base_digest),
        ("build pack", before.build_pack, after.build_pack),
    ):
        if one != other:
            print(f"The {what} was {one or 'unknown'} and is {other or 'unknown'}.")
    found = changes(before, after)
    if found:
        print(f"{len(found)} packages differ:")
        print_table(HEADINGS, [_row(change) for change in found])
    else:
        print(f"All {len(after.packages)} packages are the same.")
    for missing in sorted({*before.unread, *after.unread}):
        print(f"Not compared: {missing}.")


def _row(change: Change) -> tuple[str, ...]:
    return (change.what, change.name, change.before, change.after, change.kind, change.where)
