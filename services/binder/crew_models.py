"""What the API takes and answers about crews, which scientists call workers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from hpcbinderhub.crews.admission import node_of
from hpcbinderhub.crews.keys import CrewKeys
from hpcbinderhub.crews.records import Crew, CrewState, Form, Node, NodeState
from hpcbinderhub.crews.words import words_of
from hpcbinderhub.profiles import Choices, Profile

from .models import Model

WAIT_SECONDS = 25.0
"""Less than proxies and pages wait."""


class NodeModel(Model):
    """A node of a crew: one element of a job array, or one node of a job of several."""

    id: str = Field(
        description="As Slurm names it, `123_4`, once Slurm has it; another name before."
    )
    state: NodeState
    node: str = Field(description="Where it runs, if it does.")
    words: str = Field(description="How it is, or how it ended, in a sentence or two.")
    expected_start: float = Field(description="When Slurm expects it to start; 0 if unknown.")
    started: float
    ends: float = Field(description="When its time is up or, of one that ended, when that was.")
    claimed: bool = Field(description="Whether its launcher has got what it needs.")
    workers: int = Field(description="How many run on it.")
    lost: bool = Field(description="Whether it ended while it was wanted.")

    @classmethod
    def of(cls, crew: Crew, node: Node) -> NodeModel:
        """One of the library's. Those that were dropped and have yet to end are ending."""
        own = ("node", "words", "expected_start", "started", "ends", "workers", "lost")
        goes = node.dropped and node.state is not NodeState.ENDED
        return cls(
            id=crew.node_id(node),
            state=NodeState.ENDING if goes else node.state,
            claimed=bool(node.claimant),
            **{name: getattr(node, name) for name in own},
        )


class CrewModel(Model):
    """The nodes that a server has workers on, under one name."""

    id: str
    launch: str
    name: str
    profile: str
    title: str = Field(description="The profile's.")
    state: CrewState
    words: str = Field(description="How it is, in a sentence.")
    advice: str
    detail: str = Field(description="Slurm's own words, if it refused something.")
    version: int = Field(description="Another one whenever something changed.")
    created: float
    keep: bool
    replace: bool
    wanted_nodes: int
    wanted_workers: int
    per_node: int = Field(description="Workers on a whole node.")
    threads: int = Field(description="Of each worker.")
    memory_mb: int = Field(description="Of each worker; 0: the node's own limit decides.")
    gpus: int = Field(description="Of each node.")
    scheduler: str | None
    max_nodes: int = Field(description="Of all crews of yours under this profile.")
    nodes: list[NodeModel]
    submissions: int = Field(description="How often a job was submitted for it.")

    @classmethod
    def of(cls, crew: Crew, profile: Profile | None) -> CrewModel:
        """One of the library's, and its profile if the site still has that."""
        words, advice, detail = words_of(crew)
        told = {
            "title": profile.title if profile else crew.profile,
            "max_nodes": profile.worker_nodes if profile else 0,
            "words": words,
            "advice": advice,
            "detail": detail,
            "nodes": [NodeModel.of(crew, node) for node in crew.nodes],
        }
        own = {name: getattr(crew, name) for name in cls.model_fields if name not in told}
        return cls(**own | told)


class NewCrewModel(CrewModel):
    """A crew that was just asked for, and the key to it."""

    tls: CrewKeys = Field(description="For its scheduler, its workers and the notebook alone.")


class WorkerProfileModel(Model):
    """A profile that gives nodes to workers; the numbers are of each node if nothing is chosen."""

    name: str
    title: str
    max_nodes: int
    cpus: int
    memory_mb: int
    gpus: int
    minutes: int
    form: Form

    @classmethod
    def of(cls, profile: Profile) -> WorkerProfileModel:
        """One of the site's."""
        node = node_of(profile, Choices())
        return cls(
            name=profile.name,
            title=profile.title,
            max_nodes=profile.worker_nodes,
            form=profile.worker_form,
            **{name: getattr(node, name) for name in ("cpus", "memory_mb", "gpus", "minutes")},
        )


class CrewsModel(Model):
    """A server's crews, and what more it may ask for."""

    crews: list[CrewModel] = Field(description="Those that are not over, the oldest first.")
    profiles: list[WorkerProfileModel] = Field(description="The first is meant if none is named.")


class CrewQuery(BaseModel):
    """The query of GET /api/crews/LAUNCH/CREW."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    after: int = Field(default=0, ge=0, description="Wait for a later version than this,")
    wait: float = Field(default=0, ge=0, le=WAIT_SECONDS, description="for so many seconds.")


class NodeLogModel(Model):
    """What a node has printed."""

    text: str = Field(description="Its end.")


class WhyQuery(BaseModel):
    """The query of DELETE /api/crews/LAUNCH/CREW."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    why: Literal["closed", "idle", "scheduler", "kernel"] = Field(
        default="closed", description="What is said of it from then on."
    )
