"""The site's helper that gives running jobs more time."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..errors import NotAllowed, Unavailable
from ..slurm.extension import extend
from .finding import Finding, failed, ok
from .ground import Ground

NO_JOB = "0"


def applies(ground: Ground) -> str:
    """Whether there is one."""
    return "" if ground.site.extend_command else "No helper is set (c.Site.extend_command)."


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """It is asked for what it has to refuse."""
    what = "c.Site.extend_command"
    user = ground.user or ground.site.watcher_user
    try:
        await extend(ground.site.extend_command, user, NO_JOB, 1)
    except NotAllowed as error:
        yield ok(what, f"It answers, and refuses a job that there is not: {error.detail or '-'}")
    except Unavailable as error:
        yield failed(what, str(error), "Let the hub's account run it, without a password.")
    else:
        yield failed(
            what,
            f"It says that it gave more time to job {NO_JOB}, which there is not.",
            "Have it look whose the job is, and exit with another code than 0 if it refuses.",
        )
