"""Builds, for everyone who may read the repository: today's are all public."""

from __future__ import annotations

from hpcbinderhub.builds.queue import stream
from hpcbinderhub.events import BUILD_ENDS

from .base import BUILD_SCOPE, EventStreamHandler, UserHandler, found
from .streams import stream_events


class BuildHandler(UserHandler):
    """GET: one build."""

    async def get(self, build_id: str) -> None:
        """See the class."""
        self.require(BUILD_SCOPE)
        build = found(await self.services.queue.get(build_id), "build")
        events = await self.services.events.since(stream(build.id), 0)
        self.answer(
            {
                "id": build.id,
                "repo_url": build.repo_url,
                "ref": build.ref,
                "commit": build.commit,
                "state": build.state,
                "phases": list(dict.fromkeys(event.phase for event in events)),
                "created": build.created,
                "finished": build.finished,
                "failure": build.failure,
            }
        )


class BuildEventsHandler(EventStreamHandler):
    """GET: a build's events, its log lines among them, as server-sent events."""

    async def get(self, build_id: str) -> None:
        """See the class."""
        self.require(BUILD_SCOPE)
        build = found(await self.services.queue.get(build_id), "build")
        await stream_events(self, self.services.events, stream(build.id), BUILD_ENDS)
