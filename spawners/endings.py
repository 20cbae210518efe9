"""How servers ended, kept for a while after JupyterHub has forgotten them."""

from __future__ import annotations

from collections import deque

from hpcbinderhub.launches.serverstate import ServerState
from hpcbinderhub.profiles import Profile
from hpcbinderhub.slurm.words import Ending

KEPT = 20
"""For each user."""

STOPPED = Ending("The server was stopped from the hub.", "Launch again when you need it.")
REPLACED = Ending("Another launch took the place of this server.", "Open the newer one.")
PUT_BACK = Ending(
    "Slurm put the job back into the queue, where nothing starts it anew.",
    "Launch again; your workspace is as it was.",
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


class Endings:
    """The last ends of each user's servers, in this process's memory."""

    def __init__(self) -> None:
        self._of: dict[str, deque[ServerState]] = {}

    def add(self, user: str, state: ServerState) -> None:
        """One more."""
        self._of.setdefault(user, deque(maxlen=KEPT)).appendleft(state)

    def of(self, user: str) -> list[ServerState]:
        """The latest first."""
        return list(self._of.get(user, ()))
