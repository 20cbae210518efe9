"""What the agent refuses, as sentences with a way out."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import NotFound, UserError
from .framing import AgentError


class Refusal(NamedTuple):
    """What is said of one kind of refusal."""

    message: str
    advice: str
    status: int = 400


NOT_FOUND = 404
HELP = "Launch again; if it goes on, show these words to your help desk."
ROOM = "Delete what you no longer need, or ask for a larger quota, and launch again."

KINDS = {
    "full": Refusal(
        "Your storage is full: the files that a launch needs could not be written.", ROOM, 507
    ),
    "storage": Refusal(
        "Your storage on the cluster could not be written.",
        "Log in to the cluster and check your home directory, or ask your help desk.",
    ),
    "log": Refusal(
        "There is no folder of your own for the logs of your jobs.",
        "Tell your facility: `c.Site.log_root` has to be a folder that you own or can make, and "
        "that nobody else writes.",
    ),
    "repository": Refusal(
        "This repository on the cluster's storage cannot be read.",
        "Log in to the cluster and check that `git log` works there.",
        NOT_FOUND,
    ),
    "tampered": Refusal(
        "A file of this launch on the cluster's storage is not what it was.",
        "Something in your home directory or in the repository changed it. Launch again.",
    ),
    "server": Refusal("The login node could not start the server.", HELP, 502),
    "gone": Refusal("There is no such workspace.", "Load the page again.", NOT_FOUND),
    "busy": Refusal(
        "A launch is making this workspace ready.", "Wait for it, or cancel it first.", 409
    ),
    "unsaved": Refusal(
        "This workspace holds work that is nowhere else, as far as can be told.",
        "Push or copy what you need, or delete it with `force`.",
        409,
    ),
}
OTHER = Refusal(
    "The cluster refused the request.", "If it goes on, show these words to your help desk."
)

SLURM_SAYS = {
    "Invalid account": "Choose an account that you may charge on this partition.",
    "SubmitJob": "You have as many jobs as you may: ask for fewer, or wait for one to end.",
    "MaxWallDuration": "Ask for less time, or choose another profile.",
    # Of any limit, Slurm says that it may be one of time.
    "accounting/QOS policy": "You are at a limit of your account; ask for less or wait.",
    "time limit": "Ask for less time, or choose another profile.",
    "not available": "Choose another profile, or wait until the nodes are back.",
    "Invalid partition": "Tell your facility: the profile's partition is not there.",
    "Invalid qos": "Choose another profile: its QOS is not yours.",
    "Memory": "Ask for less memory: choose another profile.",
}
"""What to do about a refusal of `sbatch`, by what stands in its words: the first that does."""


def explain(error: AgentError) -> UserError:
    """A refusal of the agent's, for who caused it."""
    words = str(error)
    if error.kind == "no-room":
        return UserError(f"Your storage is full: {words}.", ROOM, status=507)
    if error.kind in ("slurm", "forecast"):
        refuses = "refused the" if error.kind == "slurm" else "would refuse this"
        return UserError(f"Slurm {refuses} job.", _advice(words), detail=words)
    message, advice, status = KINDS.get(error.kind, OTHER)
    if status == NOT_FOUND:
        return NotFound(message, advice, detail=words)
    return UserError(message, advice, detail=words, status=status)


def _advice(words: str) -> str:
    for sign, advice in SLURM_SAYS.items():
        if sign.lower() in words.lower():
            return advice
    return "Choose another profile or account; if it goes on, show these words to your help desk."
