"""What lies on the hub's host: the service's state, its database, and the store of artefacts."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from ..builds.storage import file_system, is_remote
from ..database import Database
from ..site import Site
from .finding import Finding, Outcome, failed, ok, warning
from .ground import Ground


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    state = _state(Path(ground.site.state_dir))
    yield state
    if state.outcome is not Outcome.FAILED:
        yield await asyncio.to_thread(_database, ground.site)
    yield await asyncio.to_thread(_artefacts, ground.site)


def _state(path: Path) -> Finding:
    what = "c.Site.state_dir"
    try:
        status = path.stat()
    except OSError as error:
        return failed(
            what,
            f"{path}: {error.strerror}.",
            f"Make it for the hub's account: install -d -m 0700 -o ACCOUNT {path}",
        )
    kind = file_system(path.resolve(), Path("/proc/self/mountinfo").read_text("utf-8"))
    if status.st_uid != os.getuid():
        return failed(
            what,
            f"{path} does not belong to the account that checks.",
            "Run the check as the hub's account; if this is it, give the directory to it.",
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        return failed(
            what,
            f"{path} has mode {stat.S_IMODE(status.st_mode):04o}: others see the queue and "
            "private repositories.",
            f"chmod 700 {path}",
        )
    if is_remote(kind):
        return failed(
            what,
            f"{path} is on a network file system ({kind}), where databases break.",
            "Move it to a disk of this host.",
        )
    return ok(what, f"{path} is this account's alone, on a disk of this host ({kind}).")


def _database(site: Site) -> Finding:
    what = "c.Site.database_url"
    url = make_url(site.database_url)
    shown = url.render_as_string(hide_password=True)
    if url.drivername == "sqlite" and not (url.database and Path(url.database).exists()):
        return warning(
            what,
            f"There is no database yet at {shown}.",
            "Start the hub, whose service makes it, or run `hpcbinderhub db upgrade`.",
        )
    try:
        found, newest = Database(site.database_url).revisions()
    except (SQLAlchemyError, ImportError) as error:
        return failed(
            what,
            f"{shown} cannot be used: {_first_line(error)}",
            "See that the server runs, and that the account and its password are right.",
        )
    if found != newest:
        return failed(
            what,
            f"The tables at {shown} are of revision {found}, and this version's of {newest}.",
            "Run `hpcbinderhub db upgrade`, or restart the hub with this version.",
        )
    return ok(what, f"{shown} is of this version's revision, {newest}.")


def _first_line(error: Exception) -> str:
    return (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0]


def _artefacts(site: Site) -> Finding:
    what = "c.Site.artefacts"
    if not os.access(site.artefacts, os.R_OK | os.X_OK):
        return failed(
            what,
            f"{site.artefacts} is missing here, or closed to this account.",
            "Mount the store on the hub's host, with mode 0755, so that the service sees what is "
            "there.",
        )
    system = os.statvfs(site.artefacts)
    free_mb = system.f_bavail * system.f_frsize // (1 << 20)
    if free_mb < site.free_disk_mb:
        return warning(
            what,
            f"{site.artefacts} has {free_mb} MiB left.",
            "Free some, or set c.Site.artefacts_limit_gb, so that old images go.",
        )
    number = sum(1 for _ in Path(site.artefacts).glob("*.squashfs"))
    return ok(what, f"{site.artefacts} holds {number} images, and has {free_mb} MiB left.")
