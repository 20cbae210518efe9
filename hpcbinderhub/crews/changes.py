"""What is asked of a crew, as pure functions from what it is to what it will be.

Nothing here speaks to anybody: what a changed record calls for, `Tender` does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ..errors import UserError
from .records import Batch, BatchState, Crew, CrewState, Node, NodeState, workers_of
from .sizes import spread

MOST_AT_ONCE = 10_000


# -- more and fewer --------------------------------------------------------------------------------


def scaled(crew: Crew, batch: str, *, nodes: int | None, workers: int | None) -> Crew:
    """As many as that: more by one batch of this name, fewer by those that wait."""
    check_open(crew)
    working = crew.working
    if nodes is not None and nodes > len(working):
        return grown(crew, batch, (crew.per_node,) * (nodes - len(working)))
    if workers is not None and workers > workers_of(working):
        return grown(crew, batch, spread(workers - workers_of(working), crew.per_node))
    return shrunk(crew, nodes or 0, workers or 0)


def grown(crew: Crew, batch: str, workers: tuple[int, ...]) -> Crew:
    """One more batch, of nodes with so many workers each."""
    if len(workers) > MOST_AT_ONCE:
        raise UserError(f"No more than {MOST_AT_ONCE} nodes at once.", "Ask for fewer.")
    return counted(with_batch(crew, batch, workers)) if workers else counted(crew)


def with_batch(crew: Crew, batch: str, workers: tuple[int, ...]) -> Crew:
    """The same, of a crew that wants no more than before: what it has lost comes back."""
    one = Batch(
        id=batch,
        crew=crew.id,
        number=len(crew.batches) + 1,
        size=len(workers),
        form=crew.form,
    )
    nodes = tuple(Node(batch=batch, task=task, workers=n) for task, n in enumerate(workers))
    return replace(crew, batches=(*crew.batches, one), nodes=(*crew.nodes, *nodes), failure=None)


def shrunk(crew: Crew, nodes: int, workers: int) -> Crew:
    """Without those that wait, the last first, as far as that many of both stay."""
    left, left_workers = len(crew.working), workers_of(crew.working)
    gone: list[Node] = []
    for node in reversed(crew.nodes):
        fits = left > nodes and left_workers - node.workers >= workers
        if node.waits and fits:
            gone.append(node)
            left, left_workers = left - 1, left_workers - node.workers
    return counted(_without(crew, gone))


def dropped(crew: Crew, ids: Collection[str]) -> Crew:
    """Without exactly these nodes, however they are."""
    check_open(crew)
    named = {f"{node.batch}_{node.task}": node for node in crew.nodes}
    named |= {crew.node_id(node): node for node in crew.nodes}
    unknown = sorted(set(ids) - named.keys())
    if unknown:
        raise UserError(f"These workers have no node {unknown[0]}.", "Look at their nodes again.")
    return counted(_without(crew, [named[one] for one in ids if named[one].wanted]))


def counted(crew: Crew) -> Crew:
    """What it has is what is wanted from now on."""
    working = crew.working
    return replace(crew, wanted_nodes=len(working), wanted_workers=workers_of(working))


def _without(crew: Crew, gone: Collection[Node]) -> Crew:
    ids = {(node.batch, node.task) for node in gone}
    nodes = tuple(
        replace(node, dropped=True) if (node.batch, node.task) in ids else node
        for node in crew.nodes
    )
    return settled(replace(crew, nodes=nodes))


# -- its end ---------------------------------------------------------------------------------------


def closing(crew: Crew, why: str) -> Crew:
    """Over for whoever asked for it. A second time, it changes nothing."""
    if crew.state is not CrewState.OPEN:
        return crew
    over = replace(_without(crew, crew.working), state=CrewState.CLOSING, why=why, keys="")
    return settled(replace(over, wanted_nodes=0, wanted_workers=0))


def settled(crew: Crew) -> Crew:
    """Without what nothing has to be done about: batches that Slurm never heard of and nobody
    wants, and a crew whose last node is gone."""
    wanted = {node.batch for node in crew.working}
    never = {b.id for b in crew.batches if b.state is BatchState.NEW and b.id not in wanted}
    crew = _over(crew, never)
    ended = all(node.state is NodeState.ENDED for node in crew.nodes)
    if crew.state is CrewState.CLOSING and ended:
        return replace(crew, state=CrewState.CLOSED)
    return crew


def _over(crew: Crew, batches: Collection[str], words: str = "") -> Crew:
    if not batches:
        return crew
    return replace(
        crew,
        batches=tuple(
            replace(batch, state=BatchState.OVER) if batch.id in batches else batch
            for batch in crew.batches
        ),
        nodes=tuple(
            replace(node, state=NodeState.ENDED, words=words or node.words, cancelled=True)
            if node.batch in batches
            else node
            for node in crew.nodes
        ),
    )


# -- its submissions -------------------------------------------------------------------------------


def begun(crew: Crew, batch: str, directory: str, now: float) -> Crew:
    """Slurm may have the batch from now on. Those of its last nodes that nobody wants any more are
    not asked for."""
    if crew.batch(batch).state is not BatchState.NEW:
        return crew
    wanted = [node.task for node in crew.working if node.batch == batch]
    size = max(wanted, default=-1) + 1
    one = {"state": BatchState.BEGUN, "directory": directory, "intended": now, "size": size}
    nodes = tuple(
        replace(node, state=NodeState.ENDED, cancelled=True)
        if node.batch == batch and node.task >= size
        else node
        for node in crew.nodes
    )
    return _with(replace(crew, nodes=nodes), batch, one)


def submitted(crew: Crew, batch: str, job: str, ticket_digest: str) -> Crew:
    """Slurm has it."""
    one = {"state": BatchState.SUBMITTED, "job": job, "ticket_digest": ticket_digest}
    nodes = tuple(
        replace(node, state=NodeState.PENDING, words="")
        if node.batch == batch and node.state is NodeState.SUBMITTING
        else node
        for node in crew.nodes
    )
    return _with(replace(crew, nodes=nodes), batch, one)


def given_up(crew: Crew, batch: str) -> Crew:
    """Slurm never had it, and nobody wants it any more."""
    return settled(_over(crew, {batch}))


def refused(crew: Crew, batch: str, failure: Mapping[str, str]) -> Crew:
    """Slurm will not have it. A crew that never had a node has failed; another goes on with those
    that it has."""
    crew = replace(_over(crew, {batch}, failure["message"]), failure=dict(failure))
    if crew.state is not CrewState.OPEN:
        return settled(crew)
    crew = counted(crew)
    hopeless = not crew.working and not any(batch.job for batch in crew.batches)
    return replace(crew, state=CrewState.FAILED, keys="") if hopeless else crew


def cancelled(crew: Crew, gone: Collection[tuple[str, int]]) -> Crew:
    """Slurm has heard that these nodes, by batch and task, are not wanted."""
    nodes = tuple(
        replace(
            node,
            cancelled=True,
            state=node.state if node.state is NodeState.ENDED else NodeState.ENDING,
        )
        if (node.batch, node.task) in gone
        else node
        for node in crew.nodes
    )
    return replace(crew, nodes=nodes)


def _with(crew: Crew, batch: str, values: Mapping[str, object]) -> Crew:
    batches = (replace(b, **values) if b.id == batch else b for b in crew.batches)  # type: ignore[arg-type]
    return replace(crew, batches=tuple(batches))


def check_open(crew: Crew) -> None:
    """Refuse what only an open crew can have done to it."""
    if crew.state is not CrewState.OPEN:
        raise UserError("These workers are over.", "Ask for others.", status=409)


def said(crew: Crew, batch: str, words: str) -> Crew:
    """Why Slurm has not heard of the batch yet."""
    nodes = tuple(
        replace(node, words=words)
        if node.batch == batch and node.state is NodeState.SUBMITTING
        else node
        for node in crew.nodes
    )
    return replace(crew, nodes=nodes)
