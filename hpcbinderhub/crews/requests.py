"""What a notebook and a node may ask: closed models, and the only way in."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ..profiles import Choices, Name

CrewName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
NodeId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,32}_[0-9]{1,6}$")]
Scheduler = Annotated[
    str,
    StringConstraints(
        pattern=r"^tls://(\[[0-9a-fA-F:]{2,45}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252}):[0-9]{1,5}$"
    ),
]
"""An address as Dask writes it, and with TLS alone."""

MOST_NODES = 10_000
MOST_WORKERS = 1_000_000


class CrewRequest(Choices):
    """What a notebook asks for; its choices are for each node."""

    name: CrewName = Field(description="What they are called; one set of a launch at a time.")
    nodes: int | None = Field(
        default=None, ge=0, le=MOST_NODES, description="How many nodes; or say `workers`."
    )
    workers: int | None = Field(
        default=None,
        ge=0,
        le=MOST_WORKERS,
        description="How many workers, on as few nodes as will do; or say `nodes`.",
    )
    threads: int = Field(default=1, ge=1, le=10_000, description="Of each worker.")
    profile: Name | None = Field(
        default=None, description="The server's own, or the first that gives workers, if unset."
    )
    keep: bool = Field(default=False, description="Whether they outlive the notebook's kernel.")
    replace: bool = Field(
        default=False, description="Whether nodes that are lost, or about to end, are asked anew."
    )

    @model_validator(mode="after")
    def _says_how_many(self) -> CrewRequest:
        if (self.nodes is None) == (self.workers is None):
            raise ValueError("say either how many `nodes` or how many `workers`")
        return self

    def per_node(self) -> Choices:
        """What was chosen for each node."""
        names = Choices.model_fields.keys() - {"nodes"}
        return Choices(**{name: getattr(self, name) for name in names})


class CrewChange(BaseModel):
    """Where the scheduler listens, or one of: how many there shall be, and which shall go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheduler: Scheduler | None = Field(default=None, description="`tls://HOST:PORT`.")
    nodes: int | None = Field(default=None, ge=0, le=MOST_NODES, description="So many nodes.")
    workers: int | None = Field(default=None, ge=0, le=MOST_WORKERS, description="So many workers.")
    drop: tuple[NodeId, ...] | None = Field(
        default=None, max_length=MOST_NODES, description="Without exactly these nodes."
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> CrewChange:
        asked = [one for one in (self.nodes, self.workers, self.drop) if one is not None]
        if len(asked) > 1 or not (asked or self.scheduler):
            raise ValueError("say one of `scheduler`, `nodes`, `workers` and `drop`")
        return self


class NodeClaim(BaseModel):
    """A batch's ticket, and which of its elements this is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ticket: Annotated[str, StringConstraints(max_length=200)]
    job: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")]
    task: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}$")]
    claimant: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    """What this run of the launcher calls itself, and tells nobody but us."""
