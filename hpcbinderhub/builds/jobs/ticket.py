"""What a builder's job finds in its directory, and what it gets for it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
from pathlib import Path

from ...errors import Unavailable, UserError
from ..client import Gone, ServiceClient

log = logging.getLogger(__name__)

FILE = "claim.json"
TRIES = 60
PAUSE_SECONDS = 10.0
"""A service that restarts, or a Slurm that is slow to say that the job runs, is waited for."""


def read_ticket(directory: Path) -> str:
    """The ticket, if nobody else can have read or put it there."""
    path = directory / FILE
    try:
        # O_NOFOLLOW, and the checks on what was opened: the name could point anywhere by then.
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
                raise _unfit(f"{path} is not a file of this account.")
            if status.st_mode & 0o077:
                raise _unfit(f"{path} can be read or written by others.")
            return str(json.loads(file.read())["ticket"])
    except OSError as error:
        raise _unfit(f"{path} cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError):
        # The reader's own words could quote the ticket.
        raise _unfit(f"{path} is damaged.") from None


async def exchange(client: ServiceClient, directory: Path, job: str) -> tuple[str, float]:
    """The token for the ticket in a directory, which is spent by it, and the job's time limit."""
    ticket = await asyncio.to_thread(read_ticket, directory)
    for left in reversed(range(TRIES)):
        try:
            token, seconds = await client.exchange(ticket, job)
        except Gone as error:
            raise _unfit(f"The service refuses this job's ticket ({error}).") from None
        except Unavailable as error:
            if not left:
                raise
            log.warning("%s Again in %.0f s.", error, PAUSE_SECONDS)
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            break
    await asyncio.to_thread((directory / FILE).unlink, missing_ok=True)
    return token, seconds


def _unfit(sentence: str) -> UserError:
    return UserError(sentence, "The queue asks for another job.")
