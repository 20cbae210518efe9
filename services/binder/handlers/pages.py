"""The pages."""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from tornado.web import authenticated

from hpcbinderhub import __version__
from hpcbinderhub.errors import Unavailable, UserError
from hpcbinderhub.launches.links import asked_for, not_offered
from hpcbinderhub.launches.records import Launch, State
from hpcbinderhub.launches.serverstate import ServerState
from hpcbinderhub.launches.sharing import Sharing
from hpcbinderhub.launches.usual import Usual, usual
from hpcbinderhub.profiles import Profile
from hpcbinderhub.repos.spec import RepoSpec
from hpcbinderhub.slurm.members import Member

from ..models import ProfileModel
from .base import LAUNCH_SCOPE, UserHandler, found, server_url

_ADDRESS = re.compile(r"[!-\[\]-~]*")
"""What an address may hold as it stands: no backslash, which browsers take for a slash."""
SESSION_COOKIE = "jupyterhub-session-id"
"""The hub sets it for the whole host when somebody logs in, so its being there is a hint."""
NAMELESS = "Your server without a name"


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
                is_admin=self.is_admin,
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

    async def get(self, provider: str = "", _spec: str = "") -> None:
        """See the class. Following a link starts nothing."""
        linked = self.linked() if provider else None
        if not self.current_user:
            self._welcome(linked)
            return
        user = self.require(LAUNCH_SCOPE)
        refusal: UserError | None = None
        member: Member | None = None
        try:
            member = await self.services.admission.member(user)
        except UserError as error:
            refusal = error
        accounts = member.slurm_accounts if member else []
        wanted = asked_for(lambda name: self.get_query_argument(name, ""))
        offered = await self.services.admission.profiles(user, self.groups)
        profiles = [ProfileModel.of(one, self.services.site) for one in offered]
        names = [profile.name for profile in profiles]
        self.render_page(
            "launch.html",
            linked=linked,
            accounts=accounts,
            refusal=refusal,
            profiles=profiles,
            trusted=linked and await self.services.trust.ground(user, linked.repo_url),
            servers=await running_servers(self, user),
            sharing=await sharing(self, user),
            choosing=await self._choosing(user, offered, member, wanted),
            wanted=wanted if wanted["profile"] in names else wanted | {"profile": ""},
            not_offered=[] if refusal else not_offered(wanted, offered, accounts),
        )

    async def _choosing(
        self, user: str, offered: list[Profile], member: Member | None, wanted: dict[str, str]
    ) -> dict[str, Any]:
        """What the form's script needs: what each profile offers, and what to fill in."""
        accounts = member.slurm_accounts if member else []
        last = await self.services.presets.last(user)
        presets = await self.services.presets.of_user(user)
        return {
            "profiles": {
                one.name: {
                    "title": one.title,
                    "offers": [offer.model_dump(mode="json") for offer in one.offers()],
                    "accounts": one.accounts,
                    "usual": asdict(usual(one, member) if member else Usual()),
                }
                for one in offered
            },
            "accounts": accounts,
            "default_account": member.default_account if member else "",
            "wanted": {
                "minutes" if name == "time" else name: value
                for name, value in wanted.items()
                if name != "open" and (name != "account" or value in accounts)
            },
            "last": last.model_dump(exclude_none=True) if last else None,
            "presets": [
                {"name": one.name, "selection": one.selection.model_dump(exclude_none=True)}
                for one in presets
            ],
        }

    def _welcome(self, linked: RepoSpec | None) -> None:
        """For those who are not logged in; who is logged in to the hub passes straight through."""
        here = self.request.uri or ""
        log_in = f"{self.settings['prefix']}login?{urlencode({'next': here})}"
        if self.get_cookie(SESSION_COOKIE):
            self.redirect(log_in)
            return
        self.render_page(
            "landing.html",
            linked=linked,
            wanted=asked_for(lambda name: self.get_query_argument(name, "")),
            log_in=log_in,
            mybinder=_on_mybinder(linked) if linked else "",
        )


class LogInHandler(UserHandler):
    """GET: log in, and go on to one of our own pages."""

    @authenticated
    def get(self) -> None:
        """See the class."""
        wanted, prefix = self.get_query_argument("next", ""), self.settings["prefix"]
        ours = wanted.startswith(prefix) and _ADDRESS.fullmatch(wanted)
        self.redirect(wanted if ours else prefix)


class LoadingPage(PageHandler):
    """Phases as they come, the log, and the way on."""

    @authenticated
    async def get(self, launch_id: str) -> None:
        """See the class."""
        user = self.require(LAUNCH_SCOPE)
        launch: Launch | None = await self.services.book.get(launch_id)
        launch = found(launch if launch and launch.user == user else None, "launch")
        profile = next((p for p in self.services.site.profiles if p.name == launch.profile), None)
        end = await self._end(launch)
        self.render_page("loading.html", launch=launch, profile=profile, end=end, now=time.time())

    async def _end(self, launch: Launch) -> ServerState | None:
        """How the launch's server ended, if it has, as far as the hub can say so now."""
        if launch.state is not State.READY:
            return None
        try:
            _, ended = await self.services.hub.states(launch.user)
        except (UserError, Unavailable):
            return None
        return next((one for one in ended if one.launch == launch.id), None)


def _on_mybinder(linked: RepoSpec) -> str:
    """Where mybinder.org runs the same, if it can reach it and knows its kind."""
    known = linked.repo_url.startswith("https://") and linked.provider != "doi"
    return f"https://mybinder.org/v2/{linked.path}" if known else ""


async def running_servers(handler: UserHandler, user: str) -> list[dict[str, Any]]:
    """The user's servers that run or start, and the launches that they came from."""
    servers = []
    for name, ready in await handler.services.hub.servers(user):
        launch = await handler.services.book.of_server(user, name)
        url = server_url(handler.settings["hub_base_url"], user, name)
        title = launch.repo_url if launch else name or NAMELESS
        servers.append({"name": name, "title": title, "ready": ready, "url": url, "launch": launch})
    return servers


async def sharing(handler: UserHandler, user: str) -> Sharing:
    """To whom the user has given her servers, as far as the hub can say so now."""
    try:
        return await handler.services.hub.sharing(user)
    except (UserError, Unavailable):
        return Sharing()
