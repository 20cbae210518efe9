"""Profiles: the named sets of resources that a site offers.

A profile is a convenience. What a user may really have is enforced by Slurm's own associations and
QOS; a profile narrows it, fills in defaults and gives it a name that a scientist understands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from .errors import NotAllowed, UserError
from .hostparts import HostParts

EngineName = Literal["apptainer", "charliecloud", "enroot", "podman-hpc", "sarus", "shifter"]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
"""A name that Slurm, a URL and a file system all take as it is; it never starts with a dash."""

ModuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+/-]*$")]
"""A name that `module load` takes."""


class Resources(BaseModel):
    """What one launch gets, within a profile's limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: int
    nodes: int
    cpus: int
    memory_mb: int
    gpus: int


class Profile(BaseModel):
    """One choice on the launch page. Set by the site's admin; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="Short name, used in links and in the API.")
    title: str = Field(description="What the launch page shows.")
    description: str = Field(default="", description="One sentence below the title.")
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
    partition: Name = Field(description="The Slurm partition.")
    qos: Name | None = Field(default=None, description="The Slurm QOS; Slurm's default if unset.")
    minutes: int = Field(default=60, ge=1, description="Wall time if the user does not say.")
    max_minutes: int = Field(default=240, ge=1, description="The longest wall time offered.")
    max_nodes: int = Field(default=1, ge=1, description="The most nodes offered.")
    cpus: int = Field(default=1, ge=1, description="CPUs for the server.")
    memory_mb: int = Field(default=2048, ge=256, description="Memory for the server, in MiB.")
    max_gpus: int = Field(default=0, ge=0, description="The most GPUs offered.")
    accounts: tuple[Name, ...] = Field(
        default=(), description="Slurm accounts that may be charged; all of the user's if empty."
    )
    groups: tuple[str, ...] = Field(
        default=(), description="Hub groups that see this profile; everybody if empty."
    )
    home_access: Literal["never", "trusted"] = Field(
        default="trusted", description="Narrows `c.Site.home_access` for this profile."
    )
    startup_seconds: int = Field(
        default=300, ge=10, description="How long a running job may take until JupyterLab answers."
    )

    def visible_to(self, groups: Iterable[str]) -> bool:
        """Whether a member of these hub groups is offered the profile."""
        return not self.groups or not set(self.groups).isdisjoint(groups)

    def resources(
        self, *, minutes: int | None = None, nodes: int | None = None, gpus: int | None = None
    ) -> Resources:
        """What a request gets, or a sentence that says which limit it breaks."""
        wanted = Resources(
            minutes=self.minutes if minutes is None else minutes,
            nodes=1 if nodes is None else nodes,
            gpus=0 if gpus is None else gpus,
            cpus=self.cpus,
            memory_mb=self.memory_mb,
        )
        for what, value, least, most in (
            ("minutes", wanted.minutes, 1, self.max_minutes),
            ("nodes", wanted.nodes, 1, self.max_nodes),
            ("GPUs", wanted.gpus, 0, self.max_gpus),
        ):
            if not least <= value <= most:
                raise UserError(
                    f"The profile “{self.title}” gives {least} to {most} {what}, not {value}.",
                    "Choose a value within the limit, or another profile.",
                )
        return wanted

    def host_parts(self, gpus: int) -> HostParts:
        """What a container with so many GPUs gets of its host."""
        return self.host | self.gpu_host if gpus else self.host

    def check_account(self, account: str | None) -> None:
        """Refuse an account that the profile does not list."""
        if account is not None and self.accounts and account not in self.accounts:
            raise NotAllowed(
                f"The profile “{self.title}” cannot be charged to the account “{account}”.",
                f"It takes {', '.join(self.accounts)}.",
            )


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
