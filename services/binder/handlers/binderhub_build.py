"""BinderHub's one request: build, launch, and tell how it goes, as server-sent events.

Whatever goes wrong is told as an event, with status 200: that is what BinderHub's clients read.

This is a GET that may spend an allocation. It takes a token, or a cookie together with the XSRF
token in a header, and the latter whatever the browser says about how the request came to be: a link
or an image tag can send a cookie, but never a header.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing, suppress
from typing import Any

from hpcbinderhub.builds.records import INSTEAD, Priority, stream
from hpcbinderhub.errors import NotAllowed, NotFound, UserError
from hpcbinderhub.events import BUILD_ENDS, as_sent
from hpcbinderhub.launches import binderhub
from hpcbinderhub.launches.admission import AlreadyRunning
from hpcbinderhub.launches.links import link_options
from hpcbinderhub.launches.records import Launch, State
from hpcbinderhub.launches.story import Position, tell
from hpcbinderhub.repos.spec import RepoSpec
from hpcbinderhub.workspaces import workspace_name

from .base import BUILD_SCOPE, LAUNCH_SCOPE, EventStreamHandler, found
from .streams import pump

LINGER_SECONDS = 5.0
"""Clients that see the connection end take that for an error; so let them end it first."""


class BuildStreamHandler(EventStreamHandler):
    """GET /build/PROVIDER/SPEC: see the module."""

    async def prepare(self) -> None:
        """Refuse what is no client of this, before anything is looked at."""
        self.begin_stream()
        if self.request.method == "OPTIONS":
            return
        accepted = re.split(r"[;,\s]+", self.request.headers.get("Accept", "").lower())
        if "text/event-stream" not in accepted:
            raise UserError(
                "Missing Accept header: text/event-stream.",
                "This address is for programs; people start at v2/… instead of build/….",
            )
        await super().prepare()
        if self.current_user and not self.by_token:
            self._require_xsrf_header()

    def _require_xsrf_header(self) -> None:
        sent = self.request.headers.get("X-XSRFToken", "")
        if not hmac.compare_digest(sent.encode(), self.xsrf_token):
            raise NotAllowed(
                "A log-in alone starts nothing here: the request needs the XSRF token in a header.",
                "Start from the launch page, or use an API token.",
            )

    async def get(self, _provider: str, _spec: str) -> None:
        """See the module."""
        spec = self.linked()
        build_only = self.get_query_argument("build_only", "").lower() == "true"
        user = self.require(BUILD_SCOPE if build_only else LAUNCH_SCOPE)
        position = self._position("build" if build_only else "launch")
        with self.services.followers.following(user), ExitStack() as watching:
            if build_only:
                told = self._tell_build(user, spec, position)
            else:
                launch = await self._launch(user, spec, position)
                told = self._tell_launch(launch, position)
                watching.enter_context(self.services.presence.watching(launch.id))
            stayed = await pump(self, told)
        if stayed and not self._headers_written:
            self.was_over()
        elif stayed:
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_SECONDS):
                    await self.left.wait()

    def _position(self, kind: str) -> Position | None:
        text = self.request.headers.get("Last-Event-ID", "")
        if not text:
            return None
        position = Position.parse(text)
        if position is None or position.kind != kind:
            raise UserError(
                "This Last-Event-ID is not from this stream.",
                "Leave it out to begin anew, which starts a launch of its own.",
            )
        return position

    # -- launches ------------------------------------------------------------------------------

    async def _launch(self, user: str, spec: RepoSpec, position: Position | None) -> Launch:
        """A new launch, or the caller's own that the stream is about."""
        if position is None:
            options = link_options(lambda name: self.get_query_argument(name, ""))
            wish = options.wish(spec, self.offered(), start_when_ready=self.by_token)
            self.count(user)
            try:
                return await self.services.conductor.begin(user, self.groups, wish)
            except AlreadyRunning:
                # Its story ends, or will, with what was asked for: a server for this repository.
                running = await self.services.book.of_server(user, workspace_name(spec.repo_url))
                if running is None or running.state not in (State.STARTING, State.READY):
                    raise
                return running
        launch = await self.services.book.get(position.id)
        mine = launch and launch.user == user and launch.spec == spec.path
        return found(launch if mine else None, "launch")  # type: ignore[no-any-return]

    async def _tell_launch(self, launch: Launch, position: Position | None) -> AsyncGenerator[str]:
        address = binderhub.Address(
            f"{self.request.protocol}://{self.request.host}", self.settings["prefix"]
        )
        start = position or Position("launch", launch.id)
        async with aclosing(tell(self.services.events, launch, start)) as story:
            async for told in story:
                yield as_sent(told.position, binderhub.of_launch(told, launch, address))

    # -- builds alone --------------------------------------------------------------------------

    async def _tell_build(
        self, user: str, spec: RepoSpec, position: Position | None
    ) -> AsyncGenerator[str]:
        if position is None:
            self.count(user)
            yield as_sent("", {"phase": "fetching", "message": f"Fetching {spec.repo_url}.\n"})
            recipe = await self.services.environments.recipe(spec, user)
            environment = await self.services.environments.of(
                recipe, asker=user, priority=Priority.AHEAD
            )
            for sentence in recipe.notices:
                yield as_sent("", {"phase": "fetching", "message": f"{sentence}\n"})
            if environment.build is None:
                message = "This environment was built before."
                yield as_sent("", binderhub.built(message, str(environment.artefact)))
                return
            position = Position("build", environment.build.id)
        async with aclosing(self._follow_build(position)) as events:
            async for event in events:
                yield event

    async def _follow_build(self, position: Position) -> AsyncGenerator[str]:
        """One build, and the one that was asked for instead if it failed."""
        build = await self.services.queue.get(position.id)
        if build is None or not build.seen_by(self.sees):
            raise NotFound("There is no such build.", "Leave out the Last-Event-ID.")
        follow = self.services.events.follow(stream(build.id), BUILD_ENDS, position.number)
        instead = ""
        async with aclosing(follow) as events:
            async for event in events:
                instead = event.data.get(INSTEAD, "")
                if instead:
                    break
                image = (
                    await self.services.queue.image(build.key) if event.phase == "built" else None
                )
                data = binderhub.of_build(event, image.artefact if image else None)
                yield as_sent(Position("build", build.id, event.number), data)
        if instead:
            second = Position("build", instead)
            message = f"{event.message} {event.data['advice']}\n"
            yield as_sent(second, {"phase": "waiting", "message": message})
            async with aclosing(self._follow_build(second)) as events:
                async for line in events:
                    yield line

    # -- endings -------------------------------------------------------------------------------

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """The error as the stream's last event."""
        exception = kwargs.get("exc_info", (None, None, None))[1]
        status, texts = self.error_of(status_code, exception)
        error = UserError(texts["message"], texts["advice"], detail=texts["detail"], status=status)
        if not self._headers_written:
            self.set_status(200)
            self.say_when(exception)
        if not self._finished:
            self.finish(as_sent("", binderhub.failed(error)))
