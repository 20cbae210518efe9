"""What a node is given for its ticket, and what its start hands on to its launcher."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any, NamedTuple

from ..fields import absolute, text, variable
from ..report import hide


class Tls(NamedTuple):
    """The crew's own certificate, which is its own authority, and the key. PEM."""

    certificate: str
    key: str


class Grant(NamedTuple):
    """What the service gives to a node."""

    env: dict[str, str]
    workspace: Path
    home: Path
    scheduler: str
    tls: Tls
    node: str
    """How its workers' names begin."""
    workers: int
    threads: int
    memory_mb: int
    """Of one worker; 0: whatever the job has, divided by them all."""
    gpus: int
    left: float | None
    """Seconds until the job ends, as of the answer."""
    warn_seconds: float
    """How long before that end work moves away."""
    lost_contact_seconds: float


class Orders(NamedTuple):
    """What a launcher needs: the grant, and what the node's start has found out."""

    grant: Grant
    env: dict[str, str] | None = None
    """The whole environment of the workers; the launcher's own with the grant's in it if None."""
    ends: float | None = None
    """When the job ends, by the node's monotonic clock."""
    sign: Path | None = None
    """The directory that appears when the end is near."""
    scratch: Path | None = None
    """A directory of this node alone, which the launcher removes."""


def parse(found: dict[str, Any]) -> Grant:
    """The grant that an answer holds; ValueError, KeyError or TypeError if it is none."""
    grant = Grant(
        env={variable(key): text(value) for key, value in found["env"].items()},
        workspace=absolute(found["workspace"]),
        home=absolute(found["home"]),
        scheduler=text(found["scheduler"]),
        tls=Tls(text(found["tls"]["certificate"]), text(found["tls"]["key"])),
        node=text(found["node"]),
        workers=_count(found["workers"], least=1),
        threads=_count(found["threads"], least=1),
        memory_mb=_count(found["memory_mb"]),
        gpus=_count(found["gpus"]),
        left=None if found["left"] is None else float(found["left"]),
        warn_seconds=float(found["warn_seconds"]),
        lost_contact_seconds=float(found["lost_contact_seconds"]),
    )
    if not grant.scheduler.startswith("tls://"):
        raise ValueError("the scheduler's address is not tls://")
    for line in grant.tls.key.splitlines():
        # A log is written by lines, and so would a key be that found its way there.
        if not line.startswith("-----"):
            hide(line)
    for key, value in grant.env.items():
        if key.endswith("TOKEN"):
            hide(value)
    return grant


def written(orders: Orders) -> bytes:
    """The orders as the launcher reads them."""
    fields = orders.grant._asdict()
    fields["tls"] = orders.grant.tls._asdict()
    return json.dumps({**orders._asdict(), "grant": fields}, default=str).encode()


def understood(told: bytes) -> Orders:
    """The orders that `written` wrote; all but the grant may be missing."""
    found = json.loads(told)
    paths = {key: Path(found[key]) for key in ("sign", "scratch") if found.get(key)}
    grant, ends = parse(found["grant"]), found.get("ends")
    if ends is None and grant.left is not None:
        ends = time.monotonic() + grant.left
    return Orders(grant, found.get("env"), ends, **paths)


def taken(source: str) -> Orders | None:
    """The orders from a descriptor, if `source` is its number, or from a file of the user's own;
    None if whoever was to write them has ended without."""
    if source.isdecimal():
        # A pipe: what was read from it is gone, while a file can be read again by way of `/proc`.
        with open(int(source), "rb") as pipe:
            told = pipe.read()
        return understood(told) if told else None
    with open(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise PermissionError(f"{source} must be yours alone (mode 0600)")
        return understood(file.read())


def _count(value: object, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"a number of at least {least} expected")
    return value
