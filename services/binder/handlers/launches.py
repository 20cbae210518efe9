"""Launches, for their owners alone."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from hpcbinderhub.events import LAUNCH_ENDS
from hpcbinderhub.launches.admission import Wish
from hpcbinderhub.launches.options import Existing, Line
from hpcbinderhub.launches.presets import Selection
from hpcbinderhub.launches.records import Launch
from hpcbinderhub.launches.run import Run
from hpcbinderhub.profiles import Choices, Name
from hpcbinderhub.repos.pasted import Pasted, parse_pasted
from hpcbinderhub.trust.reach import Reach

from ..models import EventModel, LaunchModel, PastedModel, ServerModel
from ..operations import EVENT_STREAM, operation
from .base import LAUNCH_SCOPE, EventStreamHandler, UserHandler, found
from .builds import SinceQuery
from .repository import RepositoryRequest
from .streams import stream_events


class LaunchesQuery(BaseModel):
    """The query of GET /api/launches."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    limit: int = Field(default=50, ge=1, le=500)


class PastedQuery(BaseModel):
    """The query of GET /api/parse."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    repository: Line = Field(default="", description="What was pasted.")
    ref: Line = ""


class LaunchRequest(RepositoryRequest, Choices):
    """The body of POST /api/launches."""

    profile: Name
    open: Line = Field(
        default="",
        description="The file that JupyterLab shows first, or what else of the server opens: an "
        "address that begins with a slash, `/rstudio` for one.",
    )
    start_when_ready: bool = Field(
        default=False, description="Submit the job even if nobody looks when the image is ready."
    )
    existing: Existing = Field(
        default=Existing.KEEP,
        description="What becomes of a workspace that is there at another commit: `keep` opens it"
        " as it is, `update` fast-forwards it if that loses nothing, `beside` makes another one.",
    )
    reach: Reach = Field(
        default=Reach.CLOSED,
        description="`home` shows your home directory to the code of a trusted repository.",
    )
    consent: bool = Field(
        default=False,
        description="With `reach`: you trust this repository. It is remembered: see /api/consents.",
    )
    run: Run | None = Field(
        default=None,
        description="A notebook that the job runs by itself, and ends with. It starts when it is "
        "ready, whoever looks, in a server of its own: any number may run at once.",
    )

    def wish(self, pasted: Pasted) -> Wish:
        """As the conductor takes it."""
        return Wish(
            spec=pasted.spec,
            profile=self.profile,
            choices=self.choices(),
            open=self.open or pasted.file,
            start_when_ready=self.start_when_ready,
            existing=self.existing,
            reach=self.reach,
            consent=self.consent,
            run=self.run,
        )


class ParseHandler(UserHandler):
    """GET ?repository=&ref=: what was pasted, as a link's spec."""

    @operation(
        "Understand what was pasted",
        scope=LAUNCH_SCOPE,
        query=PastedQuery,
        answers={200: PastedModel},
    )
    async def get(self) -> None:
        """Looks at the text alone, unless only the repository knows where in an address a branch's
        name ends."""
        user = self.require(LAUNCH_SCOPE)
        query = self.query(PastedQuery)
        pasted = parse_pasted(query.repository, query.ref)
        pasted = await self.services.repositories.settle(pasted, user)
        self.answer(
            PastedModel(
                spec=pasted.spec.path,
                repo_url=pasted.spec.repo_url,
                ref=pasted.spec.ref,
                file=pasted.file,
                trusted=await self.services.trust.ground(user, pasted.spec.repo_url),
            )
        )


class LaunchesHandler(UserHandler):
    """GET: the caller's launches. POST: launch."""

    @operation(
        "List your launches, the newest first",
        scope=LAUNCH_SCOPE,
        query=LaunchesQuery,
        answers={200: list[LaunchModel]},
    )
    async def get(self) -> None:
        """Those that are over, too."""
        user = self.require(LAUNCH_SCOPE)
        launches = await self.services.book.of_user(user, self.query(LaunchesQuery).limit)
        self.answer([LaunchModel.of(launch) for launch in launches])

    @operation(
        "Launch a repository",
        scope=LAUNCH_SCOPE,
        body=LaunchRequest,
        answers={201: LaunchModel},
    )
    async def post(self) -> None:
        """Builds if need be, and starts a job once the image is ready: at once if the launch is
        being followed or `start_when_ready` is set, else when its owner says so."""
        user = self.require(LAUNCH_SCOPE)
        request = self.parse(LaunchRequest)
        pasted = request.pasted()
        self.count(user)
        wish = request.wish(await self.services.repositories.settle(pasted, user))
        launch = await self.services.conductor.begin(user, self.groups, wish)
        chosen = Selection(profile=request.profile, **request.choices().model_dump())
        await self.services.presets.remember(user, chosen)
        self.answer(LaunchModel.of(launch), 201)


class OwnLaunch(UserHandler):
    """A handler for one launch of the caller's."""

    async def own(self, launch_id: str) -> Launch:
        """The launch. Somebody else's does not exist, as far as the caller is told."""
        user = self.require(LAUNCH_SCOPE)
        launch = await self.services.book.get(launch_id)
        return found(launch if launch and launch.user == user else None, "launch")  # type: ignore[no-any-return]


class LaunchHandler(OwnLaunch):
    """GET: one launch. DELETE: cancel it."""

    @operation("Show a launch", scope=LAUNCH_SCOPE, answers={200: LaunchModel})
    async def get(self, launch_id: str) -> None:
        """Yours; somebody else's does not exist."""
        self.answer(LaunchModel.of(await self.own(launch_id)))

    @operation("Cancel a launch", scope=LAUNCH_SCOPE, answers={200: LaunchModel})
    async def delete(self, launch_id: str) -> None:
        """Whatever it is doing. Its build goes on, since others may wait for it."""
        await self.services.conductor.cancel(await self.own(launch_id))
        self.answer(LaunchModel.of(await self.own(launch_id)))


class LaunchServerHandler(OwnLaunch):
    """GET: the launch's server."""

    @operation("Show the server of a launch", scope=LAUNCH_SCOPE, answers={200: ServerModel | None})
    async def get(self, launch_id: str) -> None:
        """How it is, or how it ended, for as long as JupyterHub knows its name; null before and
        after."""
        launch = await self.own(launch_id)
        alive, ended = await self.services.hub.states(launch.user)
        states = [one for one in (*alive, *ended) if one.launch == launch.id]
        self.answer(ServerModel.of(states[0]) if states else None)


class StartHandler(OwnLaunch):
    """POST: start what waited for its owner."""

    @operation("Start what waited for you", scope=LAUNCH_SCOPE, answers={200: LaunchModel})
    async def post(self, launch_id: str) -> None:
        """A launch in state `parked`; any other is left as it is."""
        await self.services.conductor.go_on(await self.own(launch_id))
        self.answer(LaunchModel.of(await self.own(launch_id)))


class AgainHandler(OwnLaunch):
    """POST: launch the same once more."""

    @operation("Launch the same again", scope=LAUNCH_SCOPE, answers={201: LaunchModel})
    async def post(self, launch_id: str) -> None:
        """The same commit with the same resources, in the same workspace as it is now. This is how
        what was stopped goes on. An environment that was removed is made again in its recorded
        versions."""
        launch = await self.own(launch_id)
        self.count(launch.user)
        again = await self.services.conductor.again(launch, self.groups)
        self.answer(LaunchModel.of(again), 201)


class LaunchEventsHandler(OwnLaunch, EventStreamHandler):
    """GET: the launch's events. While this is open, its owner is here."""

    @operation(
        "Follow a launch",
        scope=LAUNCH_SCOPE,
        query=SinceQuery,
        answers={200: EventModel, 204: None},
        media_type=EVENT_STREAM,
    )
    async def get(self, launch_id: str) -> None:
        """To its end. An event with `build` names the build that has the rest to tell."""
        launch = await self.own(launch_id)
        with self.services.presence.watching(launch.id):
            await stream_events(self, self.services.events, launch.stream, LAUNCH_ENDS)
