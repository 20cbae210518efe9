"""Servers that run already, as a hub has them that has just been restarted."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchspawner import SlurmSpawner
from hpcbinderhub.spawners import ProfileSpawner
from hpcbinderhub.spawners.facility import Facility, _facilities, facility_of
from hpcbinderhub.spawners.record import JobRecord
from jupyterhub import orm, roles
from jupyterhub.objects import Hub
from jupyterhub.spawner import Spawner
from jupyterhub.user import UserDict
from sqlalchemy.pool import StaticPool
from traitlets.config import Config

from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster
from hpcbinderhub.slurm.packing import packed
from tests.service.agent_here import AgentHere


@dataclass(frozen=True)
class Server:
    """One user's."""

    spawner: Spawner
    age: Callable[[], float]
    """How many seconds ago what the hub says of its state was asked for."""


class InstalledAgent(AgentHere):
    """The agent's one file, run by the system's Python as on a login node, for each request."""

    uid = None

    def __init__(self, path: Path):
        path.write_bytes(packed())
        path.chmod(0o755)
        self.command = (str(path),)


async def ours(jobs: dict[str, str], path: list[str], environment: dict[str, str]) -> list[Server]:
    """With the one watcher, as often as it looks by default."""
    config = Config()
    config.Site.slurm_path = path
    config.Site.slurm_environment = environment
    config.Site.profiles = [{"name": "small", "title": "Small", "partition": "builds"}]
    site = Site(config=config)
    agent = InstalledAgent(Path(tempfile.mkdtemp()) / "agent")
    facility = facility_of(site, Cluster(agent, site))
    _facilities[id(config)] = (config, facility)
    states = {
        user: {
            "spawner": "charliecloud",
            "child_state": {"job": record(user, job).model_dump()},
        }
        for user, job in jobs.items()
    }
    spawners = spawners_of(ProfileSpawner, config, states)
    return [Server(one, age_of(facility, one.user.name, jobs[one.user.name])) for one in spawners]


def record(user: str, job: str) -> JobRecord:
    """What the hub's database has of a server that runs."""
    return JobRecord(
        launch="bench" + job,
        directory=f"/home/{user}/hpcbinder/launches/bench{job}",
        intended=int(time.time()),
        server="lab",
        id=job,
        claimed_by=job,
        token="a token",
        url="https://own:40000",
    )


def age_of(facility: Facility, user: str, job: str) -> Callable[[], float]:
    """What the page says is how old a state is."""

    def age() -> float:
        known = facility.watcher.job(job, user) is not None
        return facility.watcher.sight(job, user).age if known else float("inf")

    return age


class Commanded(SlurmSpawner):  # type: ignore[misc]
    """batchspawner's, which notes when it asked. It has no prefix: with `sudo`, as it comes, each
    command would cost more."""

    exec_prefix = ""
    asked = float("-inf")

    async def query_job_status(self) -> Any:
        asked = time.monotonic()
        status = await super().query_job_status()
        self.asked = asked
        return status

    def age(self) -> float:
        """Of its state."""
        return time.monotonic() - self.asked


async def theirs(
    jobs: dict[str, str], path: list[str], environment: dict[str, str]
) -> list[Server]:
    """With a `squeue` for each server each time, which finds Slurm by this process's own
    environment."""
    os.environ |= environment | {"PATH": ":".join(path)}
    states = {user: {"job_id": job, "job_status": "RUNNING own"} for user, job in jobs.items()}
    spawners = spawners_of(Commanded, Config(), states)
    return [Server(one, one.age) for one in spawners]


def spawners_of(
    kind: type[Spawner], config: Config, states: dict[str, dict[str, Any]]
) -> list[Spawner]:
    """Spawners that load these states from the hub's database, by user."""
    db = orm.new_session_factory("sqlite://", poolclass=StaticPool)()
    for role in roles.get_default_roles():
        roles.create_role(db, role)
    settings = {
        "spawner_class": kind,
        "config": config,
        "hub": Hub(),
        "allow_named_servers": True,
        "internal_ssl": False,
    }
    users = UserDict(lambda: db, settings)
    made = []
    for name, state in states.items():
        user = orm.User(name=name)
        db.add(user)
        db.add(orm.Spawner(name="lab", user=user, state=state))
        db.commit()
        made.append(users.add(user).spawners["lab"])
    return made
