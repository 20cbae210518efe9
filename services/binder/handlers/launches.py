"""Launches, for their owners alone."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hpcbinderhub.events import LAUNCH_ENDS
from hpcbinderhub.launches.conductor import Wish
from hpcbinderhub.launches.options import Line
from hpcbinderhub.launches.records import Launch
from hpcbinderhub.profiles import Name
from hpcbinderhub.repos.spec import RepoSpec, parse_link, parse_pasted

from .base import LAUNCH_SCOPE, EventStreamHandler, UserHandler, found
from .streams import stream_events


class LaunchRequest(BaseModel):
    """The body of POST /api/launches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository: Line = Field(
        default="", description="What was pasted: an address; or leave empty and give `spec`."
    )
    ref: Line = ""
    spec: Line = Field(default="", description="Provider and spec as in a link: gh/org/repo/ref.")
    profile: Name
    account: Name | None = None
    minutes: int | None = Field(default=None, ge=1, le=100_000)
    nodes: int | None = Field(default=None, ge=1, le=10_000)
    gpus: int | None = Field(default=None, ge=0, le=10_000)
    open: Line = Field(default="", description="A file that JupyterLab shows first.")
    start_when_ready: bool = Field(
        default=False, description="Submit the job even if nobody looks when the image is ready."
    )

    def wish(self) -> Wish:
        """As the conductor takes it."""
        spec, file = self._repository()
        return Wish(
            spec=spec,
            profile=self.profile,
            account=self.account,
            minutes=self.minutes,
            nodes=self.nodes,
            gpus=self.gpus,
            open=self.open or file,
            start_when_ready=self.start_when_ready,
        )

    def _repository(self) -> tuple[RepoSpec, str]:
        if self.spec:
            provider, _, rest = self.spec.partition("/")
            return parse_link(provider, rest), ""
        pasted = parse_pasted(self.repository, self.ref)
        return pasted.spec, pasted.file


def launch_model(launch: Launch) -> dict[str, Any]:
    """A launch, as its owner sees it."""
    return {
        "id": launch.id,
        "spec": launch.spec,
        "repo_url": launch.repo_url,
        "ref": launch.ref,
        "commit": launch.commit,
        "profile": launch.profile,
        "state": launch.state,
        "build": launch.build,
        "server": launch.server,
        "url": launch.url,
        "failure": launch.failure,
        "created": launch.created,
    }


class ParseHandler(UserHandler):
    """GET ?repository=&ref=: what was pasted, as a link's spec."""

    def get(self) -> None:
        """See the class."""
        self.require(LAUNCH_SCOPE)
        pasted = parse_pasted(
            self.get_query_argument("repository", ""), self.get_query_argument("ref", "")
        )
        self.answer(
            {
                "spec": pasted.spec.path,
                "repo_url": pasted.spec.repo_url,
                "ref": pasted.spec.ref,
                "file": pasted.file,
            }
        )


class LaunchesHandler(UserHandler):
    """POST: launch."""

    async def post(self) -> None:
        """See the class."""
        user = self.require(LAUNCH_SCOPE)
        wish = self.parse(LaunchRequest).wish()
        self.count(user)
        launch = await self.services.conductor.begin(user, self.groups, wish)
        self.answer(launch_model(launch), 201)


class OwnLaunch(UserHandler):
    """A handler for one launch of the caller's."""

    async def own(self, launch_id: str) -> Launch:
        """The launch. Somebody else's does not exist, as far as the caller is told."""
        user = self.require(LAUNCH_SCOPE)
        launch = await self.services.book.get(launch_id)
        return found(launch if launch and launch.user == user else None, "launch")  # type: ignore[no-any-return]


class LaunchHandler(OwnLaunch):
    """GET: one launch. DELETE: cancel it."""

    async def get(self, launch_id: str) -> None:
        """See the class."""
        self.answer(launch_model(await self.own(launch_id)))

    async def delete(self, launch_id: str) -> None:
        """See the class."""
        await self.services.conductor.cancel(await self.own(launch_id))
        self.answer(launch_model(await self.own(launch_id)))


class StartHandler(OwnLaunch):
    """POST: start what waited for its owner."""

    async def post(self, launch_id: str) -> None:
        """See the class."""
        await self.services.conductor.go_on(await self.own(launch_id))
        self.answer(launch_model(await self.own(launch_id)))


class LaunchEventsHandler(OwnLaunch, EventStreamHandler):
    """GET: the launch's events. While this is open, its owner is here."""

    async def get(self, launch_id: str) -> None:
        """See the class."""
        launch = await self.own(launch_id)
        with self.services.presence.watching(launch.id):
            await stream_events(self, self.services.events, launch.stream, LAUNCH_ENDS)
