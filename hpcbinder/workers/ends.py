"""How workers end without having been closed, in words."""

from __future__ import annotations

from .crew import Crew
from .errors import WorkersError


def said_of(crew: Crew) -> WorkersError:
    """What the service says of workers that are over, or were refused."""
    words = crew.words or f"“{crew.name}” is closed."
    return WorkersError(words, crew.advice, crew.detail)


def lost_scheduler(name: str, why: str, idle: str) -> WorkersError:
    """What is said when the scheduler is gone, and with it all else."""
    if why == "idle":
        return WorkersError(
            f"Nothing has run on “{name}” for {idle}: its workers have ended.",
            "Make new ones when you need them; Workers(…, idle=…) says how long they wait.",
        )
    why = {"scheduler": "it was told to"}.get(why, why)
    return WorkersError(
        f"The scheduler process of “{name}” has ended ({why}): its workers end, too.",
        "What they had computed is lost. Make new ones: Workers(…). If it was killed, the server "
        "may have too little memory.",
    )
