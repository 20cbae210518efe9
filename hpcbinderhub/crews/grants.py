"""What a node gets for its ticket: `hpcbinder/node` reads it."""

from __future__ import annotations

from typing import Any

from .batch import BatchPlan, node_log
from .keys import CrewKeys
from .records import Crew, Node

LOST_CONTACT_SECONDS = 300
"""How long a node goes on without a word from its scheduler."""


def grant_of(crew: Crew, node: Node, plan: BatchPlan, keys: CrewKeys, now: float) -> dict[str, Any]:
    """All that its launcher needs; no token of anybody's is in it."""
    batch = crew.batch(node.batch)
    return {
        "env": dict(plan.variables),
        "workspace": str(plan.where.workspace),
        "home": str(plan.where.home),
        "scheduler": crew.scheduler,
        "tls": keys.model_dump(),
        "node": batch.node_id(node.task),
        "workers": node.workers,
        "threads": crew.threads,
        "memory_mb": crew.memory_mb,
        "gpus": crew.gpus,
        # A duration and not a moment: the node's clock may be another than ours.
        "left": max(0.0, node.ends - now) if node.ends else None,
        "warn_seconds": plan.profile.warn_seconds,
        "lost_contact_seconds": LOST_CONTACT_SECONDS,
        "log": str(node_log(plan, node.task)),
    }
