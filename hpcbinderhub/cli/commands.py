"""The commands for users and admins, and their arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from . import builds, images, imports, notebook, push, rebuild, records, verify
from .remote import add_options

Run = Callable[[argparse.Namespace], None]
Commands = Any
"""What argparse's `add_subparsers` makes; it has no public name."""

IMAGES: dict[str, Run] = {
    "list": images.show,
    "pin": images.pin,
    "unpin": images.unpin,
    "remove": images.remove,
    "export": images.save,
}
BUILDS: dict[str, Run] = {
    "list": builds.show,
    "show": records.show,
    "log": builds.log,
    "cancel": builds.cancel,
    "retry": builds.retry,
    "prefer": builds.prefer,
    "forget": builds.forget,
}
QUEUE: dict[str, Run] = {"show": builds.queue, "pause": builds.pause, "go-on": builds.go_on}


def add_commands(commands: Commands, default_config: str) -> None:
    """Add them all."""

    def add(group: Commands, name: str, run: Run) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = group.add_parser(name, help=run.__doc__)
        made.set_defaults(run=run)
        made.add_argument(
            "--config", default=default_config, help="directory with the site's files"
        )
        add_options(made)
        return made

    push.add_options(add(commands, "push", push.push))
    notebook.add_options(add(commands, "run", notebook.run))
    stored = commands.add_parser("images", help="What was built.").add_subparsers(required=True)
    for name, run in IMAGES.items():
        made = add(stored, name, run)
        if name != "list":
            made.add_argument(
                "key", type=images.key, help="the image's key, or enough of its beginning"
            )
        if name == "export":
            made.add_argument("file", help="where the archive goes")
    taken = stored.add_parser("import", help=imports.take_in.__doc__)
    taken.set_defaults(run=imports.take_in)
    taken.add_argument("--config", default=default_config, help="directory with the site's files")
    imports.add_options(taken)
    verified = stored.add_parser("verify", help=verify.verify.__doc__)
    verified.set_defaults(run=verify.verify)
    verify.add_options(verified)
    built = commands.add_parser("builds", help="What is built.").add_subparsers(required=True)
    for name, run in BUILDS.items():
        made = add(built, name, run)
        if name == "list":
            states = ["queued", "running", "done", "failed"]
            made.add_argument("--state", choices=states, default="", help="only those")
        else:
            made.add_argument("build", type=builds.build_id, help="the build's id")
    again = add(commands, "rebuild", rebuild.rebuild)
    again.add_argument(
        "--locked", action="store_true", required=True, help="in the versions that were recorded"
    )
    again.add_argument(
        "build", type=builds.build_id, help="the build's id, or the SHA-256 of what it made"
    )
    queue = commands.add_parser("queue", help="The queue of builds.").add_subparsers(required=True)
    for name, run in QUEUE.items():
        made = add(queue, name, run)
        if name == "pause":
            made.add_argument("--why", default="", help="a sentence for those who wait")
    people = add(commands, "people", builds.people)
    people.add_argument("--days", type=float, default=30, help="of the last so many days")
