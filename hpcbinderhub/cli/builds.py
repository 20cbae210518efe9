"""`hpcbinderhub builds` and `hpcbinderhub queue`: what is built, and in which order."""

from __future__ import annotations

import argparse
import re
from typing import Any
from urllib.parse import urlencode

from .remote import Remote, remote
from .table import moment, print_table, span

HEADINGS = ("BUILD", "STATE", "ASKED", "TOOK", "BY", "REPOSITORY")
LISTED = 50


def build_id(text: str) -> str:
    """A build's id as an argument."""
    if not re.fullmatch(r"[0-9a-f]+", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text} is no build: digits and the letters a to f")
    return text


def show(options: argparse.Namespace) -> None:
    """List the newest builds."""
    query = urlencode({"limit": LISTED, "state": options.state})
    builds = remote(options).call("GET", f"api/builds?{query}")
    print_table(HEADINGS, [_row(build) for build in builds])


def log(options: argparse.Namespace) -> None:
    """Print what a build has told so far."""
    print(remote(options).text(f"api/builds/{options.build}/log"), end="")


def cancel(options: argparse.Namespace) -> None:
    """End a build; whoever waits for it is told by whom."""
    _act(options, "cancel", "is cancelled.")


def retry(options: argparse.Namespace) -> None:
    """Try a failed build again."""
    made = remote(options).call("POST", f"api/builds/{options.build}/retry")
    print(f"{made['id']} builds the same commit again.")


def prefer(options: argparse.Namespace) -> None:
    """Have a waiting build built next."""
    _act(options, "prefer", "is built next.")


def forget(options: argparse.Namespace) -> None:
    """Remove the record and the log of a build that is over."""
    remote(options).call("DELETE", f"api/builds/{options.build}")
    print(f"{options.build} is forgotten.")


def queue(options: argparse.Namespace) -> None:
    """Say how long the queue is, and why it does not move if it does not."""
    _say(remote(options).call("GET", "api/queue"))


def pause(options: argparse.Namespace) -> None:
    """Let what runs end and nothing begin, until `go-on`, restarts included."""
    _say(remote(options).call("POST", "api/queue/pause", {"why": options.why}))


def go_on(options: argparse.Namespace) -> None:
    """End a pause."""
    _say(remote(options).call("DELETE", "api/queue/pause"))


def people(options: argparse.Namespace) -> None:
    """Show what each user asked for in the last days."""
    used = remote(options).call("GET", f"api/people?days={options.days}")
    rows = [
        (
            use["user"],
            str(use["launches"]),
            moment(use["last_launch"]),
            str(use["builds"]),
            span(use["build_seconds"]),
        )
        for use in used
    ]
    print_table(("USER", "LAUNCHES", "LAST LAUNCH", "BUILDS", "BUILDERS' TIME"), rows)


def _act(options: argparse.Namespace, what: str, outcome: str) -> None:
    service: Remote = remote(options)
    service.call("POST", f"api/builds/{options.build}/{what}")
    print(f"{options.build} {outcome}")


def _say(queue: dict[str, Any]) -> None:
    print(f"{queue['queued']} builds wait, {queue['running']} run.")
    if queue["held_up"]:
        print(queue["held_up"])


def _row(build: dict[str, Any]) -> tuple[str, ...]:
    ended = build["finished"] and build["started"]
    return (
        build["id"],
        build["state"],
        moment(build["created"]),
        span(build["finished"] - build["started"]) if ended else "",
        build["asker"],
        f"{build['repo_url']} at {build['commit'][:10]}",
    )
