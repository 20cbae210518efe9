"""The exchange of the launch's ticket for everything else that the job needs to know."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any, NamedTuple

from .report import Exit, Stop, hide
from .session.terms import Terms, from_claim
from .web import Hub

PATIENCE = 15 * 60.0
FILE = "claim.json"


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

    @property
    def token(self) -> str:
        """The server's own token, which is the job's from here on."""
        return self.env["JUPYTERHUB_API_TOKEN"]


def read(directory: Path) -> Ticket:
    """The ticket in `directory`, if nobody else can have read or put it there."""
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
        ticket = Ticket(_text(found["claim_url"]), _text(found["ticket"]), found["ca"])
    except FileNotFoundError:
        raise Stop(
            Exit.ALREADY_CLAIMED,
            "claim",
            f"There is no {path}: this launch was started before. Launch again from the hub.",
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
    answer = hub.post(ticket.claim_url, {"ticket": ticket.ticket, "job": job, "tls": True})
    try:
        grant = _grant(json.loads(answer.body))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Stop(
            Exit.NO_HUB,
            "claim",
            f"The hub's answer is not understood ({type(error).__name__}). "
            "Ask the site's administrators whether hub and image fit together.",
        ) from None
    hide(grant.token)
    return grant


def _grant(found: dict[str, Any]) -> Grant:
    content = Content(**{name: _text(found["content"][name]) for name in Content._fields})
    if len(content.commit) != 40 or not set(content.commit) <= set("0123456789abcdef"):
        raise ValueError("commit")
    grant = Grant(
        env={_name(name): _text(value) for name, value in found["env"].items()},
        args=[_text(argument) for argument in found["args"]],
        ready_url=_text(found["ready_url"]),
        content=content,
        workspace=_absolute(found["workspace"]),
        home=_absolute(found["home"]),
        tls=Tls(**{name: _text(found["tls"][name]) for name in Tls._fields}),
        terms=from_claim(found.get("session"), time.monotonic()),
    )
    if not grant.token:
        raise ValueError("token")
    return grant


def _text(value: object) -> str:
    # NUL ends a string for the kernel, wherever it is used from here on.
    if not isinstance(value, str) or "\0" in value:
        raise TypeError("text expected")
    return value


def _name(value: object) -> str:
    name = _text(value)
    if not name or "=" in name:
        raise ValueError("name of a variable expected")
    return name


def _absolute(value: object) -> Path:
    path = Path(_text(value))
    if not path.is_absolute() or ".." in path.parts or not path.name:
        raise ValueError("absolute path expected")
    return path


def _unfit(sentence: str) -> Stop:
    return Stop(Exit.UNFIT, "claim", f"{sentence} Launch again from the hub.")
