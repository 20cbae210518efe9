"""A crew, followed by long polls: each is answered as soon as there is news."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Callable

from .crew import Crew
from .crews import Crews
from .errors import Unreachable, WorkersError

POLL_SECONDS = 25.0
GONE = (404, 410)
"""With which it is said that there is no such crew."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0


async def follow(crews: Crews, crew: Crew, learn: Callable[[Crew, str], None]) -> None:
    """Until it is over. While the service is away or does not let us look, what was known goes on
    to be shown, and that it may be old: workers end only if they are said to have ended."""
    pause = FIRST_PAUSE
    while not crew.over:
        silent = ""
        try:
            crew = await crews.state(crew.id, crew.version, POLL_SECONDS)
            pause = FIRST_PAUSE
        except WorkersError as error:
            if isinstance(error, Unreachable) or error.status not in GONE:
                silent = error.message
            else:
                crew = dataclasses.replace(
                    crew, state="closed", words=error.message, advice=error.advice
                )
        learn(crew, silent)
        if silent:
            # Everybody's are not to come back at once.
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, LONGEST_PAUSE)
