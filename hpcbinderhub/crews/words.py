"""What is said of crews and their nodes: pure functions of what is known."""

from __future__ import annotations

from collections.abc import Sequence

from ..slurm.jobs import Job, Stage
from ..slurm.words import Ending, how_it_ended, why_pending
from .records import Crew, CrewState, Node, NodeState

KNOWN_LAST = "What was known last: "
ENDED_AS_ASKED = "It ended, as it was asked to."
AGAIN = "Ask for another with scale(), or for all that are lost by replace=True."
LONGER = "Ask for more minutes, or for a replacement before a time is up: replace=True."

ENDS = {
    "COMPLETED": Ending(
        # A launcher ends well only when its workers were told to go.
        "Its work has moved away from it, as it does before a time limit is reached, and where "
        "Slurm gives notice that a job of higher priority needs its place.",
        LONGER,
    ),
    "TIMEOUT": Ending("It reached its time limit.", LONGER),
    "OUT_OF_MEMORY": Ending(
        "It used more memory than it had asked for.",
        "Ask for more memory or for fewer workers of more threads, or load less data at once.",
    ),
    "NODE_FAIL": Ending("The compute node failed.", AGAIN),
    "PREEMPTED": Ending("It made room for a job of higher priority.", AGAIN),
    "BOOT_FAIL": Ending("The compute node did not boot.", AGAIN),
}

WHY = {
    "closed": "These workers were closed.",
    "idle": "These workers were closed because they had nothing to do for long.",
    "scheduler": "These workers were closed because their scheduler ended.",
    "kernel": "These workers were closed because the notebook's kernel ended.",
    "server": "These workers were closed because the server ended that they belong to.",
}


def how_a_node_is(job: Job) -> str:
    """A sentence or two about a node that is not over; times are for whoever shows them."""
    if job.stage is Stage.PENDING:
        return f"Waiting in the queue. {why_pending(job)}"
    where = f" on {job.node}" if job.node else ""
    if job.halted:
        return f"Slurm has suspended it{where}. It goes on by itself."
    return f"{'Ending' if job.stage is Stage.ENDING else 'Running'}{where}."


def how_a_node_ended(job: Job) -> Ending:
    """What happened, and what to do."""
    return ENDS.get(job.state) or Ending(how_it_ended(job).sentence.replace("The job", "It"), AGAIN)


def words_of(crew: Crew) -> tuple[str, str, str]:
    """What is wrong or so, what to do about it, and Slurm's own words."""
    failure = crew.failure or {"message": "", "advice": "", "detail": ""}
    if crew.state is CrewState.FAILED:
        return failure["message"], failure["advice"], failure["detail"]
    if crew.state is not CrewState.OPEN:
        still = " Slurm is ending their nodes." if crew.state is CrewState.CLOSING else ""
        return why_closed(crew.why) + still, "", ""
    said = " ".join(filter(None, (_counted(crew), failure["message"])))
    return said, failure["advice"] or _what_to_do(crew), failure["detail"]


def why_closed(why: str) -> str:
    """A sentence about a crew that is over."""
    return WHY.get(why, WHY["closed"])


def _counted(crew: Crew) -> str:
    """One sentence about all nodes."""
    working = crew.working
    run = _in(working, NodeState.RUNNING)
    parts = [f"{run} of {_nodes(crew.wanted_nodes)} {'runs' if run == 1 else 'run'}"]
    for number, what in (
        (_in(working, NodeState.SUBMITTING), "being submitted"),
        (_in(working, NodeState.PENDING), "waiting in the queue"),
        (_in(working, NodeState.UNKNOWN), "not known to Slurm at the moment"),
        (sum(node.lost for node in crew.nodes), "lost"),
    ):
        if number:
            parts.append(f"{number} {'is' if number == 1 else 'are'} {what}")
    return "; ".join(parts) + "." if crew.nodes else "No nodes are asked for."


def _what_to_do(crew: Crew) -> str:
    lost = [node for node in crew.nodes if node.lost]
    if not lost or crew.wanted_nodes <= len(crew.working):
        return ""
    by_words = {ending.sentence: ending.advice for ending in ENDS.values()}
    return by_words.get(lost[-1].words, AGAIN)


def _in(nodes: Sequence[Node], state: NodeState) -> int:
    return sum(node.state is state for node in nodes)


def _nodes(number: int) -> str:
    return "1 node" if number == 1 else f"{number} nodes"
