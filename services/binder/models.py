"""What the API answers with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hpcbinderhub.builds.outlook import Outlook
from hpcbinderhub.builds.records import Build
from hpcbinderhub.credentials.store import Kept
from hpcbinderhub.images.bills.model import Bill
from hpcbinderhub.images.engines import engine_class
from hpcbinderhub.launches.options import Existing
from hpcbinderhub.launches.records import Launch
from hpcbinderhub.launches.run import Run
from hpcbinderhub.launches.serverstate import ServerStage, ServerState
from hpcbinderhub.profiles import Choices, Offer, Profile
from hpcbinderhub.repos.pushed import DAY
from hpcbinderhub.repos.pushed_records import PushedRepository
from hpcbinderhub.site import Site
from hpcbinderhub.store.catalogue import KnownImage, Totals
from hpcbinderhub.trust.consents import Consent
from hpcbinderhub.trust.grounds import Ground
from hpcbinderhub.trust.policy import may_see_home, must_see_home
from hpcbinderhub.trust.reach import Reach
from hpcbinderhub.usage import Use


class Model(BaseModel):
    """Frozen, with all its fields."""

    model_config = ConfigDict(frozen=True)


class ErrorModel(Model):
    """What went wrong, in three texts."""

    message: str = Field(description="What is wrong.")
    advice: str = Field(description="What to do about it.")
    detail: str = Field(description="The other side's own words: Slurm's, Git's, the builder's.")


class EventModel(Model):
    """Something that happened to a build or a launch."""

    model_config = ConfigDict(frozen=True, extra="allow")

    number: int = Field(description="Counts from 1 without gaps; go on after it with `since`.")
    at: float = Field(description="Seconds since 1970.")
    phase: str
    message: str


class BuildModel(Model):
    """One run of a recipe through the queue."""

    id: str
    key: str = Field(description="The recipe key: builds with the same make the same environment.")
    repo_url: str
    ref: str
    commit: str
    state: str = Field(description="`queued`, `running`, `done` or `failed`.")
    attempt: int = Field(description="How often a worker has begun it.")
    worker: str | None
    created: float
    finished: float | None
    failure: dict[str, Any] | None
    asker: str = Field(description="Who asked for it first.")
    priority: int = Field(
        description="0: wanted next, 10: somebody waits, 20: built ahead of need."
    )
    started: float | None = Field(description="When a worker began it last.")
    reader: str | None = Field(description="Who alone may read the repository; else everybody.")
    locked_to: str | None = Field(description="The build whose record it is held to.")

    @classmethod
    def of(cls, build: Build) -> BuildModel:
        """A build of the library's."""
        return cls(**{name: getattr(build, name) for name in cls.model_fields})


class BuildStatusModel(BuildModel):
    """A build, and what can be said to those who wait for it."""

    phases: list[str] = Field(description="Those that it has told of, in order.")
    ahead: int | None = Field(description="How many builds come before it, while it waits.")
    held_up: str = Field(description="Why no build begins at the moment; empty if one may.")
    expected_seconds: float | None = Field(
        description="How long the last builds of this repository took."
    )

    @classmethod
    def with_outlook(cls, build: Build, phases: list[str], outlook: Outlook) -> BuildStatusModel:
        """A build of the library's, and its outlook."""
        return cls(**BuildModel.of(build).model_dump(), phases=phases, **asdict(outlook))


class QueueModel(Model):
    """The queue as a whole."""

    queued: int
    running: int
    paused: bool = Field(description="Nothing begins until an admin says so.")
    held_up: str = Field(description="Why no build begins at the moment; empty if one may.")


class UseModel(Model):
    """What one user asked for."""

    user: str
    launches: int
    last_launch: float | None
    builds: int
    build_seconds: float = Field(description="Of builders' time.")

    @classmethod
    def of(cls, use: Use) -> UseModel:
        """The library's."""
        return cls(**asdict(use))


class EnvironmentModel(Model):
    """What a build made."""

    artefact: str = Field(description="SHA-256 of the file in the artefact store.")
    bill: Bill


class MadeModel(Model):
    """An environment that was asked for: there already, or being built."""

    commit: str
    artefact: str | None = Field(description="Its image, if it is there.")
    build: BuildModel | None = Field(description="Its build, if it is not.")


class ImageModel(Model):
    """An environment that is ready to be launched, and what it costs."""

    key: str
    build: str = Field(description="The build that made it.")
    artefact: str = Field(description="SHA-256 of the file in the artefact store.")
    size: int = Field(description="Bytes.")
    share: float = Field(description="Of what all images take up, from 0 to 1.")
    made: float
    repo_url: str
    ref: str
    commit: str
    launches: int = Field(description="How often it was launched.")
    last_launch: float | None
    in_use: bool = Field(description="Whether a server or a launch needs it: then it stays.")
    pinned_by: str | None = Field(description="Who keeps it, whatever the limits.")
    pinned_at: float | None

    @classmethod
    def of(cls, image: KnownImage, totals: Totals) -> ImageModel:
        """An image of the library's."""
        fields = {name: getattr(image, name) for name in cls.model_fields if name != "share"}
        return cls(**fields, share=image.size / totals.size if totals.size else 0.0)


class StoreModel(Model):
    """The artefact store, as the records have it."""

    images: int
    size: int = Field(description="Bytes of all images.")
    removing: int = Field(description="Files that a worker has yet to remove.")
    removing_size: int
    limit: int = Field(description="Bytes that all images may take up; 0: any.")
    age_days: float = Field(description="Images that were not launched for so long go; 0: none.")
    grace_days: float = Field(description="How long what has stopped counts as in use.")

    @classmethod
    def of(cls, totals: Totals, site: Site) -> StoreModel:
        """The library's totals, and the site's limits."""
        return cls(
            **asdict(totals),
            limit=int(site.artefacts_limit_gb * 1e9),
            age_days=site.artefacts_age_days,
            grace_days=site.artefacts_grace_days,
        )


class LaunchModel(Choices):
    """One user starting one commit under one profile; its owner sees it."""

    id: str
    spec: str = Field(description="Provider and spec, as in a link.")
    repo_url: str
    ref: str
    commit: str | None
    profile: str
    reach: Reach = Field(description="`closed`, or `home`: its code sees the owner's home.")
    state: str
    build: str | None
    private: bool = Field(description="Whether its environment is its owner's alone.")
    server: str
    workspace: str
    existing: Existing
    run: Run | None = Field(description="What it runs by itself, if anything.")
    url: str | None = Field(description="The server, once it is ready.")
    failure: dict[str, Any] | None
    created: float
    changed: float

    @classmethod
    def of(cls, launch: Launch) -> LaunchModel:
        """A launch of the library's."""
        return cls(**{name: getattr(launch, name) for name in cls.model_fields})


class ServerModel(Model):
    """The server of a launch, as it is or as it ended."""

    name: str
    stage: ServerStage
    words: str = Field(description="What is so, or what happened.")
    advice: str = Field(description="What its owner can do; only of one that has ended.")
    job: str = Field(description="Slurm's id of its job.")
    node: str
    since: int = Field(description="When it came into the queue or, once it runs, started.")
    ends: int = Field(description="When its time is up, or when that was; 0 is not known.")
    exit_code: int | None = Field(
        description="Of a launch that ran a notebook by itself: 0 if every cell ran, 1 if one "
        "failed, 2 if none was begun, 128 + n if signal n ended it; null if nothing says so."
    )

    @classmethod
    def of(cls, state: ServerState) -> ServerModel:
        """As the hub tells of it."""
        return cls(**{name: getattr(state, name) for name in cls.model_fields})


class CredentialModel(Model):
    """That there is a credential for a host, and nothing of what it says."""

    host: str
    created: float
    used: float | None = Field(description="When it was last shown to the host.")

    @classmethod
    def of(cls, kept: Kept) -> CredentialModel:
        """A credential of the library's."""
        return cls(**{name: getattr(kept, name) for name in cls.model_fields})


class ConsentModel(Model):
    """A repository whose code may see the caller's home when she asks for it."""

    id: str
    repository: str
    granted: float

    @classmethod
    def of(cls, consent: Consent) -> ConsentModel:
        """A consent of the library's."""
        return cls(**asdict(consent))


class PushedModel(Model):
    """What the caller pushed under one name."""

    name: str
    commit: str = Field(description="The one that was pushed last.")
    spec: str = Field(description="Provider and spec, as in a link.")
    shared: bool = Field(description="Whether everybody who may log in may launch it.")
    size: int = Field(description="Bytes that it takes up, with all that was pushed before.")
    pushed: float
    used: float = Field(description="When it was last launched, or else pushed.")
    goes: float | None = Field(description="When it is removed unless somebody launches it.")

    @classmethod
    def of(cls, repository: PushedRepository, days: float) -> PushedModel:
        """One of the library's, on a site that keeps it for so long."""
        names = cls.model_fields.keys() - {"spec", "goes"}
        return cls(
            **{name: getattr(repository, name) for name in names},
            spec=repository.spec.path,
            goes=repository.used + days * DAY if days else None,
        )


class JustPushedModel(PushedModel):
    """What the caller has just pushed."""

    notices: list[str] = Field(description="What a full clone has and a launch will not have.")


class PastedModel(Model):
    """What was pasted, understood."""

    spec: str
    repo_url: str
    ref: str
    file: str
    trusted: Ground | None = Field(
        description="Why it may be given the caller's home: `own`, `site`, `consent`; or null."
    )


class ProfileModel(Model):
    """A set of resources that the caller may choose."""

    name: str
    title: str
    description: str
    engine: str
    partition: str = Field(description="Slurm's, unless another one is chosen.")
    partitions: dict[str, str] = Field(description="Slurm's by the names that it offers.")
    minutes: int
    max_minutes: int
    nodes: int
    max_nodes: int
    cpus: int
    max_cpus: int
    memory_mb: int = Field(description="Of each node; 0 is all of it.")
    max_memory_mb: int
    gpus: int
    max_gpus: int
    offers: tuple[Offer, ...] = Field(description="What there is to choose: fields of a launch.")
    accounts: tuple[str, ...]
    hides_home: bool = Field(description="Whether the engine can keep code out of the home.")
    may_see_home: bool = Field(description="Whether a launch can be given the home: `reach`.")
    must_see_home: bool = Field(description="Whether it takes only launches that are given it.")

    @classmethod
    def of(cls, profile: Profile, site: Site) -> ProfileModel:
        """A profile of the site's."""
        engine = engine_class(profile.engine)
        told: dict[str, Any] = {
            "partition": profile.resources(Choices()).partition,
            "partitions": dict(profile.partition.root),
            "offers": profile.offers(),
            "hides_home": engine.hides_home,
            "may_see_home": may_see_home(site, profile),
            "must_see_home": must_see_home(site, engine),
        }
        own = {name: getattr(profile, name) for name in cls.model_fields if name not in told}
        return cls(**own | told)


class LimitsModel(Model):
    """What the site allows."""

    requests: int = Field(
        description="Builds and launches that one may ask for in a window; 0: any."
    )
    request_seconds: int = Field(description="How long such a window is.")
    build_seconds: int
    build_disk_mb: int
    build_log_kb: int
    push_mb: int = Field(description="How large a repository may be that is pushed; 0: none.")
    accounts: list[str] = Field(description="Slurm accounts that the caller may charge.")
    default_account: str = Field(description="The one that is charged if none is chosen.")
    default_qos: dict[str, str] = Field(
        description="Slurm's QOS for jobs that name none, by account, as far as Slurm says so."
    )
