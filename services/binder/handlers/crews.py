"""A server's workers: asked for by its own notebook, claimed by their nodes."""

from __future__ import annotations

import asyncio

from tornado.web import HTTPError

from hpcbinderhub.crews.crews import grows
from hpcbinderhub.crews.keys import CrewKeys
from hpcbinderhub.crews.records import Crew
from hpcbinderhub.crews.requests import CrewChange, CrewRequest, NodeClaim
from hpcbinderhub.errors import NotAllowed
from hpcbinderhub.launches.records import Launch

from ..crew_models import (
    CrewModel,
    CrewQuery,
    CrewsModel,
    NewCrewModel,
    NodeLogModel,
    WhyQuery,
    WorkerProfileModel,
)
from ..operations import operation
from .base import CREWS_SCOPE, BaseHandler, UserHandler, found


class LaunchCrewsHandler(UserHandler):
    """What is given to whoever shows the token of the launch's own server."""

    hub_scopes = None
    """A server's token may not open the service; `launch` checks what it may."""

    async def launch(self, launch_id: str) -> Launch:
        """The launch whose server asks."""
        user = self.current_user
        if not user or not any(scope.startswith(CREWS_SCOPE) for scope in user["scopes"]):
            raise HTTPError(403)
        launch: Launch = found(await self.services.book.get(launch_id), "launch")
        scope = f"{CREWS_SCOPE}!server={launch.user}/{launch.server}"
        if not self.hub_auth.check_scopes({scope}, user):
            raise NotAllowed("These workers belong to another server.")
        return launch

    def count_growth(self, user: str) -> None:
        """Count what asks for nodes apart from launches, which workers must not use up."""
        self.count(user, self.services.crew_limiter)

    def shown(self, crew: Crew) -> CrewModel:
        """As the API answers."""
        profiles = self.services.site.profiles
        return CrewModel.of(crew, next((p for p in profiles if p.name == crew.profile), None))


class CrewsHandler(LaunchCrewsHandler):
    """GET: the server's crews. POST: ask for one."""

    @operation("List a server's workers", scope=CREWS_SCOPE, answers={200: CrewsModel})
    async def get(self, launch_id: str) -> None:
        """And the profiles under which it may ask for more."""
        launch = await self.launch(launch_id)
        crews = self.services.crews
        self.answer(
            CrewsModel(
                crews=[self.shown(crew) for crew in await crews.of_launch(launch)],
                profiles=[
                    WorkerProfileModel.of(profile)
                    for profile in crews.admission.profiles(launch, self.groups)
                ],
            )
        )

    @operation("Ask for workers", scope=CREWS_SCOPE, body=CrewRequest, answers={201: NewCrewModel})
    async def post(self, launch_id: str) -> None:
        """Answers before anything is submitted: what becomes of that, the crew's nodes say. The
        key is for the scheduler, which the caller starts and whose address it tells with PATCH."""
        launch = await self.launch(launch_id)
        request = self.parse(CrewRequest)
        self.count_growth(launch.user)
        crew, keys = await self.services.crews.ask(launch, self.groups, request)
        self.answer(NewCrewModel(**dict(self.shown(crew)), tls=keys), 201)


class WaitingHandler(BaseHandler):
    """One that may keep its client waiting, but not the service's end."""

    def initialize(self) -> None:
        """`left` is set when the client has gone, or we do."""
        self.left = asyncio.Event()

    def on_connection_close(self) -> None:
        """The client has gone."""
        self.left.set()


class CrewHandler(WaitingHandler, LaunchCrewsHandler):
    """GET: one crew. PATCH: change it. DELETE: close it."""

    @operation("Show workers", scope=CREWS_SCOPE, query=CrewQuery, answers={200: CrewModel})
    async def get(self, launch_id: str, crew_id: str) -> None:
        """At once; or as soon as their version is later than `after`, if that is in time."""
        launch = await self.launch(launch_id)
        query = self.query(CrewQuery)
        timer = asyncio.get_running_loop().call_later(query.wait, self.left.set)
        try:
            with self.services.farewell.telling(self.left):
                crew = await self.services.crews.news(launch, crew_id, query.after, self.left)
        finally:
            timer.cancel()
        self.answer(self.shown(crew))

    @operation("Change workers", scope=CREWS_SCOPE, body=CrewChange, answers={200: CrewModel})
    async def patch(self, launch_id: str, crew_id: str) -> None:
        """More are one more submission. Fewer are those that still wait, the last first;
        `wanted_nodes` says what was reached. `drop` ends exactly the nodes that it names."""
        launch = await self.launch(launch_id)
        asked = self.parse(CrewChange)
        crews = self.services.crews
        if grows(await crews.one(launch, crew_id), asked):
            self.count_growth(launch.user)
        self.answer(self.shown(await crews.change(launch, self.groups, crew_id, asked)))

    @operation("Close workers", scope=CREWS_SCOPE, query=WhyQuery, answers={202: CrewModel})
    async def delete(self, launch_id: str, crew_id: str) -> None:
        """All of them. A second time changes nothing."""
        launch = await self.launch(launch_id)
        crews = self.services.crews
        crew = await crews.one(launch, crew_id)
        self.answer(self.shown(await crews.close_crew(crew, self.query(WhyQuery).why)), 202)


class CrewKeysHandler(LaunchCrewsHandler):
    """POST: the key and certificate of an open crew."""

    @operation("Get the key to workers", scope=CREWS_SCOPE, answers={200: CrewKeys})
    async def post(self, launch_id: str, crew_id: str) -> None:
        """For a kernel that was restarted and attaches to them."""
        launch = await self.launch(launch_id)
        self.answer(await self.services.crews.keys(launch, crew_id))


class NodeLogHandler(LaunchCrewsHandler):
    """GET: what one node has printed."""

    @operation("Read the log of a node", scope=CREWS_SCOPE, answers={200: NodeLogModel})
    async def get(self, launch_id: str, crew_id: str, node_id: str) -> None:
        """Its end, whether the node is over or not; where it lies, no container shows it."""
        launch = await self.launch(launch_id)
        self.answer(NodeLogModel(text=await self.services.crews.log(launch, crew_id, node_id)))


class NodeClaimHandler(WaitingHandler):
    """POST: a batch's ticket, for what a node needs. No token: the ticket is what counts."""

    async def post(self, batch_id: str) -> None:
        """503 means try again; everything else is final."""
        claim = self.parse(NodeClaim)
        with self.services.farewell.telling(self.left):
            self.answer(await self.services.crews.claim(batch_id, claim, self.left))
