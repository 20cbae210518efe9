"""`hpcbinderhub push`: from a clone on a laptop to a link that launches it."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from ..errors import UserError
from . import remote as service
from .clone import Clone

MIB = 2**20


def add_options(command: argparse.ArgumentParser) -> None:
    """What is sent, and what its link asks for."""
    command.add_argument(
        "directory", nargs="?", type=Path, default=Path(), help="the clone; unless given, here"
    )
    command.add_argument("--ref", help="branch, tag or commit; unless given, what is checked out")
    command.add_argument(
        "--uncommitted",
        action="store_true",
        help="with what is not committed, new files included, unless Git ignores them",
    )
    command.add_argument("--share", action="store_true", help="let everybody launch it there")
    command.add_argument("--name", help="what it is called there; unless given, as its folder is")
    command.add_argument("--profile", help="the profile that the link asks for")
    command.add_argument("--open", help="the file that the link opens")


def push(options: argparse.Namespace) -> None:
    """Send a clone of a repository, and print the link that launches it."""
    if options.ref and options.uncommitted:
        raise UserError(
            "What is not committed belongs to what is checked out, and not to another ref.",
            "Leave out --ref or --uncommitted.",
        )
    hub = service.remote(options)
    # Who may not push at all should not wait for a bundle first.
    limit = hub.call("GET", "api/limits")["push_mb"] * MIB
    with tempfile.TemporaryDirectory() as folder:
        clone = Clone.at(options.directory, Path(folder))
        commit = clone.commit(options.ref or "HEAD")
        changes = 0 if options.ref else clone.changes()
        if changes and options.uncommitted:
            commit = clone.commit_changes(commit)
        elif changes:
            print(f"{changes} changed or new file(s) are not sent; --uncommitted sends them, too.")
        bundle = clone.bundle(commit)
        name, size = options.name or clone.name, bundle.stat().st_size
        if size > limit:
            raise UserError(
                f"With its history, this is {size / MIB:.1f} MiB; the hub takes {limit / MIB:.0f}.",
                "Keep large data out of the repository: put it onto the cluster's storage.",
            )
        print(f"Sending {name} at {commit[:12]}, {size / MIB:.1f} MiB.")
        query = urlencode({"shared": str(options.share).lower()})
        pushed = hub.upload(f"api/pushed/{quote(name, safe='')}?{query}", bundle)
    _tell(pushed, hub.address(_link(pushed, options)))


def _link(pushed: dict[str, Any], options: argparse.Namespace) -> str:
    asked = {"profile": options.profile, "labpath": options.open}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"v2/{pushed['spec']}" + (f"?{query}" if query else "")


def _tell(pushed: dict[str, Any], link: str) -> None:
    for notice in pushed["notices"]:
        print(notice)
    print("Everybody who may log in to the hub" if pushed["shared"] else "You alone", end=" ")
    print("can launch it here:")
    print(link)
    if pushed["goes"]:
        days = round((pushed["goes"] - pushed["used"]) / (24 * 3600))
        print(f"It goes when nobody has launched it for {days} days.")
