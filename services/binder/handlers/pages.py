"""The pages."""

from __future__ import annotations

from typing import Any

from tornado.web import authenticated

from hpcbinderhub import __version__
from hpcbinderhub.errors import UserError
from hpcbinderhub.launches.links import asked_for
from hpcbinderhub.launches.records import Launch

from ..models import ProfileModel
from .base import LAUNCH_SCOPE, UserHandler, found, server_url


class PageHandler(UserHandler):
    """A handler that answers with a page in JupyterHub's frame."""

    def render_page(self, name: str, **values: Any) -> None:
        """Render one of our templates with what JupyterHub's frame needs."""
        hub = self.settings["hub_base_url"]

        def static_url(path: str, include_version: bool = True) -> str:
            version = f"?v={__version__}" if include_version else ""
            return f"{hub}static/{path}{version}"

        self.finish(
            self.settings["templates"]
            .get_template(f"hpcbinderhub/{name}")
            .render(
                base_url=hub,
                prefix=self.settings["prefix"],
                user=self.current_user,
                static_url=static_url,
                login_url=f"{hub}login",
                logout_url=f"{hub}logout",
                xsrf_token=self.xsrf_token.decode("ascii"),
                no_spawner_check=True,
                parsed_scopes={},
                site=self.services.site,
                service=self.settings["prefix"],
                **values,
            )
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page with the three texts."""
        status, texts = self.error_of(status_code, kwargs.get("exc_info", (0, None, 0))[1])
        self.set_status(status)
        self.render_page("error.html", error=texts)


class LaunchPage(PageHandler):
    """The field that takes whatever was pasted; or, from a link, what will run and a button."""

    @authenticated
    async def get(self, provider: str = "", _spec: str = "") -> None:
        """See the class. Following a link starts nothing."""
        user = self.require(LAUNCH_SCOPE)
        linked = self.linked() if provider else None
        refusal: UserError | None = None
        accounts: list[str] = []
        try:
            accounts = (await self.services.conductor.member(user)).slurm_accounts
        except UserError as error:
            refusal = error
        self.render_page(
            "launch.html",
            linked=linked,
            accounts=accounts,
            refusal=refusal,
            profiles=[ProfileModel.of(profile) for profile in self.offered()],
            servers=await self._servers(user),
            wanted=self._wanted(),
        )

    def _wanted(self) -> dict[str, str]:
        """What the link asks for; the form shows it, and checks it when it is sent."""
        wanted = asked_for(lambda name: self.get_query_argument(name, ""))
        offered = {profile.name for profile in self.offered()}
        return wanted if wanted["profile"] in offered else wanted | {"profile": ""}

    async def _servers(self, user: str) -> list[dict[str, Any]]:
        servers = []
        for name, ready in await self.services.hub.servers(user):
            launch = await self.services.book.of_server(user, name)
            url = server_url(self.settings["hub_base_url"], user, name)
            servers.append({"name": name, "ready": ready, "url": url, "launch": launch})
        return servers


class LoadingPage(PageHandler):
    """Phases as they come, the log, and the way on."""

    @authenticated
    async def get(self, launch_id: str) -> None:
        """See the class."""
        user = self.require(LAUNCH_SCOPE)
        launch: Launch | None = await self.services.book.get(launch_id)
        launch = found(launch if launch and launch.user == user else None, "launch")
        profile = next((p for p in self.services.site.profiles if p.name == launch.profile), None)
        self.render_page("loading.html", launch=launch, profile=profile)
