"""Ends that Slurm has no words for, or not the right ones."""

from __future__ import annotations

from hpcbinderhub.profiles import Profile
from hpcbinderhub.slurm.words import Ending

STOPPED = Ending("The server was stopped from the hub.", "Launch again when you need it.")
BY_OWNER = Ending("You stopped the server.", "Launch again when you need it.")
REPLACED = Ending("Another launch took the place of this server.", "Open the newer one.")
PUT_BACK = Ending(
    "Slurm put the job back into the queue, and a server that has begun is not started twice: the "
    "job was ended.",
    "Resume it: your workspace is as it was saved last. What kernels held in memory is lost.",
)


def stopped_by(other: str) -> Ending:
    """The end of a server that somebody stopped; nobody else if it was its owner."""
    if not other:
        return BY_OWNER
    return Ending(
        f"{other} stopped the server.",
        "Ask them, or your help desk, before you launch again.",
    )


def waited_too_long(profile: Profile) -> Ending:
    """The end of a job that waited for longer than its profile lets it."""
    return Ending(
        f"The job waited {profile.queue_minutes} minutes in the queue, which is as long as the "
        f"profile “{profile.title}” lets one wait. It was cancelled.",
        "Choose another profile or ask for less, or launch again at a quieter time.",
    )


def too_slow(profile: Profile) -> Ending:
    """The end of a job whose server does not come up."""
    return Ending(
        f"The job runs, but JupyterLab did not answer in {profile.startup_seconds} s.",
        "Launch again; if it goes on, ask your help desk with the lines below.",
    )
