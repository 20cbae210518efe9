"""A user's server in a container image, as a process on a login node."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from hpcbinderhub.errors import UserError
from hpcbinderhub.images.engines import Engine
from hpcbinderhub.launches.plan import Plan
from hpcbinderhub.launches.submission import serving_of
from hpcbinderhub.profiles import Profile
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.login_servers import Known, LoginServers, Run, Serving
from hpcbinderhub.slurm.script import job_name

from .facility import Facility
from .held import HeldJob
from .imagebatch import ImageBatchSpawner
from .record import JobRecord

log = logging.getLogger(__name__)


def check_place(profile: Profile, site: Site) -> None:
    """Refuse what would run somewhere else than its profile says."""
    if profile.spawner == "local" and site.transport != "local":
        raise UserError(
            f"The profile “{profile.title}” is for servers on the hub's own host, and this hub "
            "does not act as users there.",
            "Choose another profile, and tell your facility: `c.Site.transport` is not `local`.",
        )


class HeldProcess(HeldJob):
    """A server's process on a login node. It is known again by what the agent said of it, not by
    what lies where the server itself could have written."""

    queue: LoginServers

    def __init__(
        self, user: str, facility: Facility, keep: Callable[[], None], news: Callable[[], None]
    ):
        super().__init__(user, facility, keep, news)
        self.queue, self.watcher = facility.login_servers, facility.login_watcher

    def load(self, state: dict[str, Any]) -> None:
        """Know the process again, too."""
        if state.get("run"):
            job, run = state["job"], Run.model_validate(state["run"])
            self.queue.know(Known(self.user, job_name(job["launch"]), job["directory"], run))
        super().load(state)

    def dump(self) -> dict[str, Any]:
        """The same, and which process it is."""
        known = self.queue.known(self.record.id, self.user) if self.record else None
        return super().dump() | ({"run": known.run.model_dump()} if known else {})

    async def _find(self, name: str, directory: str) -> str:
        """What cannot be read names nothing that could be ended, and is not to keep a stop from
        its end."""
        try:
            return await super()._find(name, directory)
        except UserError as error:
            log.warning("%s: %s", directory, error)
            return ""

    def _forget(self, record: JobRecord) -> None:
        self.queue.forget(record.id, self.user)
        super()._forget(record)


class LoginNodeSpawner(ImageBatchSpawner):
    """`ImageBatchSpawner` with the login nodes in Slurm's place: they start what they are given at
    once, and tell of it in the words of jobs. No partition, queue or account is involved."""

    def _hold(self) -> HeldProcess:
        name, facility = self.user.name, self._facility
        return HeldProcess(name, facility, lambda: self.keep_state(), lambda: self.on_news())

    def _submission(self, plan: Plan, engine: Engine, image: str) -> Serving:
        claim_url = self._callback_url("claim")
        return serving_of(plan, self._facility.site, engine, image, claim_url)
