"""A user's server in a container image, as a process on a login node."""

from __future__ import annotations

from typing import Any

from hpcbinderhub.errors import UserError
from hpcbinderhub.images.engines import Engine
from hpcbinderhub.profiles import Profile
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.login_servers import Known, LoginServers, Run, Serving
from hpcbinderhub.slurm.script import job_name
from hpcbinderhub.slurm.watcher import Watcher

from .imagebatch import ImageBatchSpawner
from .plan import Plan, serving_of
from .record import JobRecord


def check_place(profile: Profile, site: Site) -> None:
    """Refuse what would run somewhere else than its profile says."""
    if profile.spawner == "local" and site.transport != "local":
        raise UserError(
            f"The profile “{profile.title}” is for servers on the hub's own host, and this hub "
            "does not act as users there.",
            "Choose another profile, and tell your facility: `c.Site.transport` is not `local`.",
        )


class LoginNodeSpawner(ImageBatchSpawner):
    """`ImageBatchSpawner` with the login nodes in Slurm's place: they start what they are given at
    once, and tell of it in the words of jobs. No partition, queue or account is involved."""

    @property
    def _queue(self) -> LoginServers:
        return self._facility.login_servers

    @property
    def _watcher(self) -> Watcher:
        return self._facility.login_watcher

    def _submission(self, plan: Plan, engine: Engine, image: str) -> Serving:
        claim_url = self._callback_url("claim")
        return serving_of(plan, self._facility.site, engine, image, claim_url)

    def load_state(self, state: dict[str, Any]) -> None:
        """Know the process again, too: by what the agent said of it, not by what lies where the
        server itself could have written."""
        if state.get("run"):
            record, run = JobRecord.model_validate(state["job"]), Run.model_validate(state["run"])
            name = job_name(record.launch)
            self._queue.know(Known(self.user.name, name, record.directory, run))
        super().load_state(state)

    def get_state(self) -> dict[str, Any]:
        """The same, and which process it is."""
        state = super().get_state()
        known = self._queue.known(self._record.id) if self._record else None
        if known:
            state["run"] = known.run.model_dump()
        return state

    def _forget(self) -> None:
        if self._record:
            self._queue.forget(self._record.id)
        super()._forget()
