"""The exchange of the launch's ticket for everything else that the job needs to know."""

from __future__ import annotations

import json
import os
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from .fields import absolute, text, variable
from .report import Exit, Stop, hide
from .session.terms import Terms, from_claim
from .unattended.order import Run, run_from_claim
from .web import Hub

T = TypeVar("T")

PATIENCE = 15 * 60.0
FILE = "claim.json"
GONE = "this launch was started before. Launch again from the hub."


class Ticket(NamedTuple):
    """What the hub's side left for the job in the launch's directory."""

    claim_url: str
    ticket: str
    ca: str | None


class Content(NamedTuple):
    """Which commit the workspace starts from, and where the hub offers it."""

    url: str
    repo_url: str
    ref: str
    commit: str
    existing: str
    """`update`: a workspace that is there is fast-forwarded. Whatever else: it is left as it is."""


class Tls(NamedTuple):
    """The server's own key and certificate, and the one that whoever connects must have: the hub's.
    All PEM, made for this launch alone."""

    key: str
    certificate: str
    client: str


class Grant(NamedTuple):
    """What the hub gives for a ticket."""

    env: dict[str, str]
    args: list[str]
    ready_url: str
    content: Content
    workspace: Path
    home: Path
    tls: Tls
    terms: Terms | None
    """How long the server may run, if the hub says."""
    run: Run | None
    """What the server runs by itself, and ends with."""

    @property
    def token(self) -> str:
        """The server's own token, which is the job's from here on."""
        return self.env["JUPYTERHUB_API_TOKEN"]


def read(directory: Path, gone: str = GONE) -> Ticket:
    """The ticket in `directory`, if nobody else can have read or put it there; `gone` says what it
    means that there is none."""
    path = directory / FILE
    try:
        # O_NOFOLLOW, and the checks on what was opened: the name could point anywhere by then.
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise _unfit(f"{path} is not a file of yours.")
            if status.st_mode & 0o077:
                raise _unfit(f"{path} can be read or written by others: it must have mode 0600.")
            found = json.loads(file.read())
        ticket = Ticket(text(found["claim_url"]), text(found["ticket"]), found["ca"])
    except FileNotFoundError:
        raise Stop(
            Exit.ALREADY_CLAIMED,
            "claim",
            f"There is no {path}: {gone}",
        ) from None
    except OSError as error:
        raise _unfit(f"{path} cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError):
        # The reader's own words could quote the ticket.
        raise _unfit(f"{path} is damaged.") from None
    hide(ticket.ticket)
    return ticket


def exchange(ticket: Ticket, hub: Hub) -> Grant:
    """Spend the ticket."""
    # On a login node there is no job: the agent has given it a name of its own.
    job = os.environ.get("SLURM_JOB_ID") or os.environ.get("HPCBINDER_RUN")
    if not job:
        raise _unfit("SLURM_JOB_ID is not set: this is not a Slurm job.")
    grant = spend(ticket, hub, {"job": job, "tls": True}, _grant)
    hide(grant.token)
    return grant


def spend(ticket: Ticket, hub: Hub, asked: dict[str, object], read: Callable[[Any], T]) -> T:
    """What `read` makes of the answer to a ticket."""
    # It is nowhere but in our memory, so that nobody who can read the ticket can claim once more.
    claimant = secrets.token_hex(16)
    hide(claimant)
    answer = hub.post(ticket.claim_url, {"ticket": ticket.ticket, "claimant": claimant, **asked})
    try:
        return read(json.loads(answer.body))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Stop(
            Exit.NO_HUB,
            "claim",
            f"The hub's answer is not understood ({type(error).__name__}). "
            "Ask the site's administrators whether hub and image fit together.",
        ) from None


def _grant(found: dict[str, Any]) -> Grant:
    content = Content(**{name: text(found["content"][name]) for name in Content._fields})
    if len(content.commit) != 40 or not set(content.commit) <= set("0123456789abcdef"):
        raise ValueError("commit")
    grant = Grant(
        env={variable(name): text(value) for name, value in found["env"].items()},
        args=[text(argument) for argument in found["args"]],
        ready_url=text(found["ready_url"]),
        content=content,
        workspace=absolute(found["workspace"]),
        home=absolute(found["home"]),
        tls=Tls(**{name: text(found["tls"][name]) for name in Tls._fields}),
        terms=from_claim(found.get("session"), time.monotonic()),
        run=run_from_claim(found.get("run")),
    )
    if not grant.token:
        raise ValueError("token")
    return grant


def _unfit(sentence: str) -> Stop:
    return Stop(Exit.UNFIT, "claim", f"{sentence} Launch again from the hub.")
