"""What nodes have printed on which there is no worker that could say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distributed.utils import Log

from . import choice
from .crew import Crew
from .crews import Crews
from .errors import WorkersError


async def node_logs(crews: Crews, crew: Crew, workers: Mapping[str, Any]) -> dict[str, Log]:
    """By what a reader calls each node. `workers` are those that are connected."""
    there = {choice.node_of(str(worker["name"])) for worker in workers.values()}
    silent = [node.id for node in crew.nodes if node.id not in there and not node.waiting]
    return {f"Node {node}": Log(await _of_node(crews, crew, node)) for node in silent}


async def _of_node(crews: Crews, crew: Crew, node: str) -> str:
    try:
        return await crews.log(crew.id, node)
    except WorkersError as error:
        return str(error)
