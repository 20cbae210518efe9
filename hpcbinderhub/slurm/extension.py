"""More time for a running job, where the site has a helper for that.

Slurm lets no user extend her own job, and the hub is no operator. So a site that wants it gives the
hub one command to run that can do this alone: it checks whose job it is and how far it may go.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from ..errors import NotAllowed, Unavailable

PATIENCE = 30.0


async def extend(command: Sequence[str], user: str, job: str, minutes: int) -> None:
    """Have the helper extend a job of this user's by so many minutes."""
    request = json.dumps({"user": user, "job": job, "minutes": minutes}).encode()
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT
        )
    except OSError as error:
        raise Unavailable(f"The site's helper cannot be run ({error.strerror}).") from error
    try:
        async with asyncio.timeout(PATIENCE):
            words, _ = await process.communicate(request)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise Unavailable("The site's helper did not answer.") from None
    if process.returncode != 0:
        raise NotAllowed(
            "This server gets no more time.",
            "Save your work; you can start it again in the same workspace.",
            detail=words.decode("utf-8", "replace").strip(),
        )
