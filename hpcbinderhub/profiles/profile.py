"""Profiles: the named sets of resources that a site offers.

A profile is a convenience. What a user may really have is enforced by Slurm's own associations and
QOS; a profile narrows it, fills in defaults and gives it a name that a scientist understands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from ..errors import NotAllowed
from ..hostparts import HostParts, VariableName
from ..repos.spec import PROVIDERS
from ..trust.addresses import checked_pattern
from .choices import Choices, Name
from .component import Component, License
from .extra import ExtraOptions
from .offers import Choice, Offer, Range
from .resources import Resources

SpawnerName = Literal["batch", "login", "local"]
EngineName = Literal["apptainer", "charliecloud", "enroot", "podman-hpc", "sarus", "shifter"]

ModuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+/-]*$")]
"""A name that `module load` takes."""

HubUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~/-]*)?$")
]


def _checked_pattern(text: str) -> str:
    return text if text in PROVIDERS else checked_pattern(text)


Pattern = Annotated[str, AfterValidator(_checked_pattern)]

_OF_SLURM = {
    *("partition", "qos", "constraint", "reservation", "gpu_type", "exclusive", "shared"),
    *("nodes", "max_nodes", "gpus", "max_gpus", "licenses", "components", "slurm_options"),
    *("extend_minutes", "requeue", "worker_nodes", "worker_form"),
}
"""What only a job can have."""

_COUNTED = (
    ("nodes", "nodes", 1),
    ("cpus", "CPUs", 1),
    ("memory_mb", "MiB of memory", 256),
    ("gpus", "GPUs", 0),
)
"""What has a default and a highest number: its field, what it is called, and the lowest."""


def _same_as(field: str) -> Callable[[dict[str, Any]], int]:
    """The default of one field that is another's value."""

    def value(known: dict[str, Any]) -> int:
        return int(known[field])

    return value


class Profile(BaseModel):
    """One choice on the launch page. Set by the site's admin; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="Short name, used in links and in the API.")
    title: str = Field(description="What the launch page shows.")
    description: str = Field(default="", description="One sentence below the title.")
    spawner: SpawnerName = Field(
        default="batch",
        description="What a server is: a Slurm job (`batch`); or a process on a login node "
        "(`login`), which starts at once and takes no nodes, and none of Slurm's options; or that "
        "on the hub's own host (`local`), where `c.Site.transport` is `local`.",
    )
    engine: EngineName = Field(
        default="charliecloud", description="The container engine on this profile's nodes."
    )
    modules: tuple[ModuleName, ...] = Field(
        default=(), description="What `module load` loads on the node before the engine starts."
    )
    host: HostParts = Field(
        default=HostParts(), description="What every container gets of its host; see below."
    )
    gpu_host: HostParts = Field(
        default=HostParts(), description="What it gets besides if the launch has GPUs."
    )
    gpu_maker: Literal["nvidia", "amd"] = Field(
        default="nvidia", description="Whose GPUs they are: engines have an option for each."
    )
    partition: Choice = Field(
        default=Choice({}), description="The Slurm partition, or several to choose from."
    )
    qos: Choice = Field(
        default=Choice({}), description="The QOS, or several; Slurm's default if unset."
    )
    constraint: Choice = Field(
        default=Choice({}), description="Features of nodes (`--constraint`), or several to choose."
    )
    reservation: Choice = Field(
        default=Choice({}), description="A reservation, or several to choose from."
    )
    gpu_type: Choice = Field(
        default=Choice({}), description="The type of GPU in Slurm's `gres`, or several."
    )
    minutes: int = Field(default=60, ge=1, description="Wall time if the user does not say.")
    max_minutes: int = Field(default=240, ge=1, description="The longest wall time offered.")
    nodes: int = Field(default=1, ge=1, description="Nodes if the user does not say.")
    max_nodes: int = Field(
        default_factory=_same_as("nodes"),
        ge=0,
        description="The most nodes offered; as many as `nodes` if unset.",
    )
    cpus: int = Field(default=1, ge=1, description="CPUs of each node if the user does not say.")
    max_cpus: int = Field(
        default_factory=_same_as("cpus"),
        ge=0,
        description="The most CPUs offered; as many as `cpus` if unset.",
    )
    memory_mb: int = Field(
        default=2048,
        ge=0,
        description="Memory of each node, in MiB, if the user does not say; 0 is all of it.",
    )
    max_memory_mb: int = Field(
        default_factory=_same_as("memory_mb"),
        ge=0,
        description="The most memory offered; `memory_mb` if unset.",
    )
    gpus: int = Field(default=0, ge=0, description="GPUs of each node if the user does not say.")
    max_gpus: int = Field(
        default_factory=_same_as("gpus"),
        ge=0,
        description="The most GPUs offered; as many as `gpus` if unset.",
    )
    exclusive: bool | Literal["user", "mcs"] = Field(
        default=False, description="Whether nodes are hers alone (`--exclusive`)."
    )
    shared: bool = Field(
        default=False, description="Whether others may use the same CPUs (`--oversubscribe`)."
    )
    licenses: tuple[License, ...] = Field(
        default=(), description="Licences of Slurm's that every launch takes: `['matlab:1']`."
    )
    requeue: bool = Field(
        default=False,
        description="Whether Slurm may put a job back into the queue (`--requeue`) whose node "
        "fails before its server has begun; one that has begun is never started a second time.",
    )
    components: tuple[Component, ...] = Field(
        default=(), description="Further components, which make it a heterogeneous job; see below."
    )
    slurm_options: ExtraOptions = Field(
        default={},
        description="Further options of `sbatch`, without their dashes: `{'nice': '100'}`; None "
        "for one that has no value. What has a field here, or would change whose job it is or what "
        "runs, is refused.",
    )
    processes: int = Field(
        default=500,
        ge=20,
        description="On a login node: how many processes a server may have at a time.",
    )
    accounts: tuple[Name, ...] = Field(
        default=(), description="Slurm accounts that may be charged; all of the user's if empty."
    )
    groups: tuple[str, ...] = Field(
        default=(), description="Hub groups that see this profile; everybody if empty."
    )
    images_allowed: tuple[Pattern, ...] = Field(
        default=(),
        description="What may be launched, if not everything: addresses of repositories, or ones "
        "that end in `/*` for all below, and providers as links name them: `['zenodo', "
        "'https://github.com/our-centre/*']`.",
    )
    home_access: Literal["never", "trusted"] = Field(
        default="trusted", description="Narrows `c.Site.home_access` for this profile."
    )
    hub_address: HubUrl | None = Field(
        default=None,
        description="The hub's address as these nodes reach it, if not by `c.Site.public_url`.",
    )
    environment: Mapping[VariableName, str] = Field(
        default={},
        description="Variables of jobs, over `c.Site.job_environment`: these nodes' proxies.",
    )
    startup_seconds: int = Field(
        default=300, ge=10, description="How long a running job may take until JupyterLab answers."
    )
    warn_seconds: int = Field(
        default=120,
        ge=30,
        description="How long before the end of its time a server has everything saved.",
    )
    idle_minutes: int | None = Field(
        default=None,
        ge=1,
        description="How long nothing may run in a server until it stops; never if unset. Running "
        "cells, messages of kernels, output and programs in terminals, and saved files are use; a "
        "page that is open is not.",
    )
    extend_minutes: int = Field(
        default=0,
        ge=0,
        description="By how much a user may extend her running server at a time, if the site has "
        "`c.Site.extend_command`.",
    )
    queue_minutes: int | None = Field(
        default=None,
        ge=1,
        description="How long a job may wait in the queue before it is cancelled; no limit if "
        "unset.",
    )
    worker_nodes: int = Field(
        default=0,
        ge=0,
        le=10_000,
        description="How many nodes the Dask workers of one user's servers may have at a time, "
        "each with what this profile gives one node; 0 for none.",
    )
    worker_form: Literal["array", "one_job"] = Field(
        default="array",
        description="What they are to Slurm: elements of one job array, each of which starts when "
        "there is a node for it (`array`); or one job, which starts when there are nodes for all "
        "and is for sites that count jobs (`one_job`).",
    )

    def visible_to(self, groups: Iterable[str]) -> bool:
        """Whether a member of these hub groups is offered the profile."""
        return not self.groups or not set(self.groups).isdisjoint(groups)

    def resources(self, chosen: Choices) -> Resources:
        """What a request gets, or a sentence that says which limit it breaks."""
        numbers = {
            number.field: number.value(getattr(chosen, number.field), self.title)
            for number in self._numbers()
        }
        names = {
            field: choice.value(getattr(chosen, field), what, self.title)
            for field, what, choice in self._names()
        }
        return Resources.model_validate({**numbers, **names})

    def offers(self) -> tuple[Offer, ...]:
        """What there is to choose from, in a form's order; what is fixed is no offer."""
        numbers = [
            Offer(field=number.field, default=number.usual, least=number.least, most=number.most)
            for number in self._numbers()
            if number.least < number.most
        ]
        names = [
            Offer(field=field, default=choice.names[0], values=choice.names)
            for field, _, choice in self._names()
            if len(choice.names) > 1
        ]
        return (*numbers, *names)

    def _numbers(self) -> tuple[Range, ...]:
        """All numbers, in a form's order."""
        minutes = Range("minutes", "minutes", self.minutes, 1, self.max_minutes)
        return (minutes, *(self._number(*number) for number in _COUNTED))

    def _number(self, field: str, what: str, least: int) -> Range:
        """Where the admin says no highest one, there is nothing to choose."""
        usual, most = getattr(self, field), getattr(self, f"max_{field}")
        fixed = f"max_{field}" not in self.model_fields_set
        return Range(field, what, usual, usual if fixed else least, most)

    def _names(self) -> tuple[tuple[str, str, Choice], ...]:
        """Field, what it is called, and what is offered."""
        return (
            ("gpu_type", "type of GPU", self.gpu_type),
            ("partition", "partition", self.partition),
            ("qos", "QOS", self.qos),
            ("constraint", "kind of node", self.constraint),
            ("reservation", "reservation", self.reservation),
        )

    @model_validator(mode="after")
    def _holds_together(self) -> Profile:
        if self.spawner == "batch" and not any(self.partition.root.values()):
            raise ValueError("partition: a profile needs one")
        of_slurm = sorted(_OF_SLURM & self.model_fields_set)
        if self.spawner != "batch" and of_slurm:
            raise ValueError(f"{of_slurm[0]}: on a login node there is no Slurm to ask for it")
        if self.spawner != "batch" and not self.memory_mb:
            raise ValueError("memory_mb: a server on a login node needs a limit")
        if self.exclusive and self.shared:
            raise ValueError("shared: nodes cannot be exclusive and shared")
        for field, _, usual, least, most in self._numbers():
            if not least <= usual <= most:
                raise ValueError(f"{field}: {usual} is not within {least} to {most}")
        return self

    def host_parts(self, gpus: int) -> HostParts:
        """What a container with so many GPUs gets of its host."""
        return self.host | self.gpu_host if gpus else self.host

    def variables(self, everywhere: Mapping[str, str]) -> dict[str, str]:
        """What is set on the node and in the container, over what the site sets for all jobs."""
        return {**everywhere, **self.environment}

    def hub_url(self, elsewhere: str) -> str:
        """The hub as these nodes reach it, without a slash at the end."""
        return (self.hub_address or elsewhere).rstrip("/")

    def chargeable(self, hers: Iterable[str]) -> list[str]:
        """Which of a user's Slurm accounts may be charged."""
        return [account for account in hers if not self.accounts or account in self.accounts]

    def account(self, wanted: str | None, hers: Sequence[str], usual: str) -> str | None:
        """The account that is charged: the one that is wanted, or her default; if this profile does
        not take that, the first of hers that it takes. None leaves it to Slurm."""
        mine = self.chargeable(hers)
        if wanted is not None and wanted not in hers:
            raise NotAllowed(
                f"You may not charge the Slurm account “{wanted}”.",
                f"Yours: {', '.join(hers) or 'none'}.",
            )
        if wanted is None and (not self.accounts or usual in mine):
            return usual or None
        if not mine:
            raise NotAllowed(
                f"The profile “{self.title}” is for accounts of which you have none.",
                f"It takes {', '.join(self.accounts)}. Choose another profile.",
            )
        if wanted is not None and wanted not in mine:
            raise NotAllowed(
                f"The profile “{self.title}” cannot be charged to the account “{wanted}”.",
                f"Yours that it takes: {', '.join(mine)}.",
            )
        return wanted or mine[0]


def find_profile(profiles: Iterable[Profile], name: str, groups: Iterable[str]) -> Profile:
    """The profile of that name. An unknown one, or one not for this user, is never replaced."""
    offered = [profile for profile in profiles if profile.visible_to(groups)]
    for profile in offered:
        if profile.name == name:
            return profile
    raise NotAllowed(
        f"There is no profile “{name}” for you at this site.",
        f"Choose one of: {', '.join(profile.name for profile in offered) or 'none is offered'}.",
    )
