"""The spawner that a hub is configured with: the profile decides which one does the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from jupyterhub.spawner import Spawner
from traitlets import default
from wrapspawner import WrapSpawner

from hpcbinderhub.errors import UserError
from hpcbinderhub.launches.options import parse_options
from hpcbinderhub.profiles import EngineName, Profile, find_profile

from .defaults import ClusterDefaults
from .errors import refusing
from .form import form_for
from .imagebatch import ImageBatchSpawner
from .login import LoginNodeSpawner, check_place
from .news import PolledOnNews
from .record import commit_state
from .shifter import ShifterBatchSpawner

SPAWNERS: dict[str, type[ImageBatchSpawner]] = {
    **dict.fromkeys(get_args(EngineName), ImageBatchSpawner),
    "shifter": ShifterBatchSpawner,
    "login": LoginNodeSpawner,
    "local": LoginNodeSpawner,
}
"""By what `kind_of` says of a profile."""


def kind_of(profile: Profile) -> str:
    """Where its servers run, if not in jobs; else its engine."""
    return profile.engine if profile.spawner == "batch" else profile.spawner


class ProfileSpawner(ClusterDefaults, PolledOnNews, WrapSpawner):  # type: ignore[misc]
    """Chooses the spawner by the profile.

    wrapspawner's own choice starts a process on the hub's host when a profile is unknown or
    missing; here that is refused.
    """

    child_spawner: ImageBatchSpawner | None
    served = ""
    """The launch whose server ran here last. It holds a spent ticket, so it does not run again."""

    @default("options_form")
    def _the_way_to_a_repository(self) -> Callable[[ProfileSpawner], str]:
        return form_for

    def options_from_form(self, formdata: Any) -> dict[str, Any]:
        """The hub's own form starts nothing: see `form.py`."""
        return {}

    async def start(self) -> str:
        """Choose, then start."""
        if self.child_spawner:
            self.child_spawner.asked = True
        with refusing():
            options = parse_options(self.user_options or self._nothing_to_run())
            self._check_not_over(options.launch)
            self._check_not_anothers(options.launch)
            groups = [group.name for group in self.user.groups]
            profile = find_profile(self._facility.site.profiles, options.profile, groups)
            check_place(profile, self._facility.site)
            await self._end_what_another_runs(kind_of(profile))
        chosen = self._wrap(kind_of(profile))
        url = await chosen.start()
        self.served = options.launch
        # A job that was found again holds the token that it was given; JupyterHub takes it over.
        self.api_token = chosen.api_token
        return url

    def _nothing_to_run(self) -> dict[str, Any]:
        raise UserError(
            "Nothing says what this server is to run.",
            f"Start it from “Yours” or from the launch page: {self._yours}",
        )

    def _check_not_over(self, launch: str) -> None:
        """JupyterHub starts a stopped server with the options of last time, if it is given none."""
        inner = self.child_spawner
        if launch == self.served and not (inner and inner.state()):
            raise UserError(
                "This server has ended, and its launch starts one server only.",
                f"Resume it from “Yours”: {self._yours} The same commit starts in the same "
                "workspace; its environment is fetched or built again if it was removed.",
                status=409,
            )

    def _check_not_anothers(self, launch: str) -> None:
        """A launch is one job. A second server would find that one, and end it with itself."""
        known = {name for name, orm in self.user.orm_spawners.items() if orm.state}
        for name in known | set(self.user.spawners):
            other = self.user.spawners[name]
            inner = getattr(other, "child_spawner", None)
            held = inner.launch if inner else ""
            if other is not self and launch in (held, getattr(other, "served", "")):
                raise UserError(
                    f"This launch belongs to another server of yours, “{other.name}”.",
                    f"Open or resume that from “Yours”: {self._yours}",
                    status=409,
                )

    @property
    def _yours(self) -> str:
        return f"{self._facility.site.public_url}services/binder/mine"

    async def poll(self) -> int | None:
        """The chosen one's answer; no server without one."""
        return await self.child_spawner.poll() if self.child_spawner else 0

    async def stop(self, now: bool = False) -> None:
        """Pass on."""
        if self.child_spawner:
            await self.child_spawner.stop(now)

    async def delete_forever(self) -> None:
        """Pass on."""
        if self.child_spawner:
            await self.child_spawner.delete_forever()

    async def get_url(self) -> str:
        """Where the chosen one's server listens."""
        return await self.child_spawner.get_url() if self.child_spawner else str(self.server.url)

    def load_state(self, state: dict[str, Any]) -> None:
        """Choose as before the hub was restarted."""
        Spawner.load_state(self, state)
        self.served = state.get("served", "")
        if state.get("spawner") in SPAWNERS:
            self.child_state = state.get("child_state", {})
            self.api_token = self._wrap(state["spawner"]).handed_out_token

    def get_state(self) -> dict[str, Any]:
        """The choice, and the chosen one's state while it has any."""
        state: dict[str, Any] = Spawner.get_state(self)
        inner = self.child_spawner.get_state() if self.child_spawner else {}
        if self.served:
            state["served"] = self.served
        if inner:
            state |= {"spawner": self._chosen, "child_state": inner}
        return state

    def clear_state(self) -> None:
        """As the chosen one sees it: a job that may be alive is not forgotten."""
        Spawner.clear_state(self)
        if self.child_spawner:
            self.child_spawner.clear_state()

    async def _end_what_another_runs(self, kind: str) -> None:
        """An earlier launch of this server's name may have left something behind, of which only
        the spawner knows that was chosen then."""
        if self.child_spawner and type(self.child_spawner) is not SPAWNERS[kind]:
            await self.child_spawner.stop(now=True)

    def _wrap(self, kind: str) -> ImageBatchSpawner:
        if self.child_spawner and type(self.child_spawner) is not SPAWNERS[kind]:
            self.child_spawner, self.child_state = None, {}
        self._chosen = kind
        self.child_class = SPAWNERS[kind]
        chosen: ImageBatchSpawner = self.construct_child()
        chosen.keep_state = self._keep_state
        chosen.on_news = self.poll_now
        return chosen

    def _keep_state(self) -> None:
        commit_state(self.orm_spawner, self.get_state())
