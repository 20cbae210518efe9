"""Crews as tests want them."""

from __future__ import annotations

from typing import Any

from hpcbinderhub.crews.changes import grown
from hpcbinderhub.crews.records import Crew
from hpcbinderhub.profiles import Choices


def crew(*batches: tuple[int, ...], **values: Any) -> Crew:
    """Alice's, with these batches of nodes with so many workers each: `b1`, `b2`, …"""
    given = {
        "id": "c1",
        "launch": "5f0000000000000001",
        "user": "alice",
        "server": "lab",
        "name": "workers",
        "profile": "regular",
        "form": "array",
        "choices": Choices(account="geo"),
        "per_node": 4,
        "threads": 1,
        "memory_mb": 512,
        "gpus": 0,
        "wanted_nodes": 0,
        "wanted_workers": 0,
        "keep": False,
        "replace": False,
        "created": 1000.0,
        "changed": 1000.0,
    }
    made = Crew(**(given | values))
    for number, workers in enumerate(batches, start=1):
        made = grown(made, f"b{number}", workers)
    return made


def told(crew: Crew) -> str:
    """Its nodes in a line: name, state, and `-` for those that are not wanted."""
    return " ".join(
        f"{crew.node_id(node)}:{'-' if node.dropped else ''}{node.state}" for node in crew.nodes
    )
