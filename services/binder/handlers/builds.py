"""Builds, for everyone who may read the repository; to others, there are none."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hpcbinderhub.builds.bills import Recorded
from hpcbinderhub.builds.environments import Environment, Recipe
from hpcbinderhub.builds.outlook import outlook
from hpcbinderhub.builds.records import Build, Priority, stream
from hpcbinderhub.errors import NotFound, UserError
from hpcbinderhub.events import BUILD_ENDS
from hpcbinderhub.images.bills import cyclonedx
from hpcbinderhub.launches.options import Commit, Line
from hpcbinderhub.repos.spec import RepoSpec

from ..models import BuildModel, BuildStatusModel, EnvironmentModel, EventModel, MadeModel
from ..operations import EVENT_STREAM, operation
from .base import ADMIN_SCOPE, BUILD_SCOPE, EventStreamHandler, UserHandler, found
from .repository import RepositoryRequest
from .streams import stream_events


class BuildsQuery(BaseModel):
    """The query of GET /api/builds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: Literal["", "queued", "running", "done", "failed"] = ""
    repo_url: Line = Field(default="", description="Of this repository alone.")
    artefact: str = Field(
        default="", pattern=r"^[0-9a-f]{0,64}$", description="The ones that made this file."
    )
    before: float | None = Field(default=None, description="Made before: the last one's `created`.")
    limit: int = Field(default=50, ge=1, le=500)


class SinceQuery(BaseModel):
    """The query of an event stream."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    since: int = Field(default=0, ge=0, lt=10**9, description="Go on after this number.")


class BuildRequest(RepositoryRequest):
    """The body of POST /api/builds."""

    force: bool = Field(default=False, description="Build again what is there already.")
    commit: Commit | None = Field(
        default=None, description="This commit, and not what the ref stands for now."
    )


class AnyBuild(UserHandler):
    """A handler for one build."""

    async def one(self, build_id: str) -> Build:
        """The build, or a sentence."""
        build = await self.services.queue.get(build_id)
        return found(build if build and build.seen_by(self.sees) else None, "build")  # type: ignore[no-any-return]

    async def recorded(self, build_id: str) -> Recorded:
        """What a build made, or a sentence."""
        build = await self.one(build_id)
        recorded = await self.services.queue.recorded(build.id)
        if recorded is None:
            raise NotFound(
                "Nothing is recorded of what this build made.",
                "It made nothing, or was built before records were kept: build it again.",
            )
        return recorded

    async def same(self, build: Build, user: str) -> Recipe:
        """The recipe of a build's commit, for whoever may read it now."""
        spec = RepoSpec("git", build.repo_url, build.ref)
        return await self.services.environments.recipe(spec, user, build.commit)

    async def again(self, build: Build, like: str, user: str) -> BuildModel:
        """A build of the same commit that is held to the record of one."""
        bill = (await self.recorded(like)).bill
        recipe = await self.same(build, user)
        return BuildModel.of(await self.services.environments.again(recipe, like, bill, asker=user))


class BuildsHandler(UserHandler):
    """GET: builds. POST: have an environment built."""

    @operation(
        "List builds, the newest first",
        scope=BUILD_SCOPE,
        query=BuildsQuery,
        answers={200: list[BuildModel]},
    )
    async def get(self) -> None:
        """For more, ask again with the last one's `created` as `before`."""
        self.require(BUILD_SCOPE)
        query = self.query(BuildsQuery)
        builds = await self.services.queue.newest(seen_by=self.sees, **query.model_dump())
        self.answer([BuildModel.of(build) for build in builds])

    @operation(
        "Have an environment built",
        scope=BUILD_SCOPE,
        body=BuildRequest,
        answers={200: MadeModel, 201: MadeModel},
    )
    async def post(self) -> None:
        """201 and the build, or 200 and the image if it is there. Launches nothing."""
        user = self.require(BUILD_SCOPE)
        request = self.parse(BuildRequest)
        pasted = request.pasted()
        self.count(user)
        spec = (await self.services.repositories.settle(pasted, user)).spec
        recipe = await self.services.environments.recipe(spec, user, request.commit)
        environment = await self.services.environments.of(
            recipe, asker=user, priority=Priority.AHEAD, anew=request.force
        )
        self.answer(_made(environment), 201 if environment.build else 200)


class BuildHandler(AnyBuild):
    """GET: one build. DELETE: forget it."""

    @operation("Show a build", scope=BUILD_SCOPE, answers={200: BuildStatusModel})
    async def get(self, build_id: str) -> None:
        """With the phases that it has told of, its place in the queue and how long it may take."""
        self.require(BUILD_SCOPE)
        build = await self.one(build_id)
        events = await self.services.events.since(stream(build.id), 0)
        phases = list(dict.fromkeys(event.phase for event in events))
        ahead = await outlook(
            build, self.services.queue, self.services.workers, self.services.builders
        )
        self.answer(BuildStatusModel.with_outlook(build, phases, ahead))

    @operation("Forget a build and its log", scope=ADMIN_SCOPE, answers={204: None})
    async def delete(self, build_id: str) -> None:
        """One that is over. A build whose image is kept stays, since it says what the image is."""
        self.require(ADMIN_SCOPE)
        build = await self.one(build_id)
        if not await self.services.queue.forget(build.id):
            raise UserError(
                "This build is running, or its image is kept.",
                "Cancel it first, or leave it.",
                status=409,
            )
        self.set_status(204)


class BuildCancelHandler(AnyBuild):
    """POST: end a build."""

    @operation("Cancel a build", scope=ADMIN_SCOPE, answers={200: BuildModel})
    async def post(self, build_id: str) -> None:
        """Whoever waits for it is told who did it."""
        user = self.require(ADMIN_SCOPE)
        build = await self.one(build_id)
        cancelled = await self.services.queue.cancel(build.id, user)
        if cancelled is None:
            raise UserError("This build is over.", "There is nothing to cancel.", status=409)
        if cancelled.worker:
            await self.services.builders.dismiss(cancelled.worker)
        self.answer(BuildModel.of(cancelled))


class BuildPreferHandler(AnyBuild):
    """POST: build it next."""

    @operation("Build this next", scope=ADMIN_SCOPE, answers={200: BuildModel})
    async def post(self, build_id: str) -> None:
        """One that waits; it goes before all that were not preferred."""
        self.require(ADMIN_SCOPE)
        build = await self.one(build_id)
        preferred = await self.services.queue.prefer(build.id)
        if preferred is None:
            raise UserError("This build does not wait.", "There is nothing to prefer.", status=409)
        self.answer(BuildModel.of(preferred))


class BuildRetryHandler(AnyBuild):
    """POST: try a failed build again."""

    @operation("Retry a build", scope=BUILD_SCOPE, answers={201: BuildModel})
    async def post(self, build_id: str) -> None:
        """A new build of the same commit; or the live one, if somebody was faster."""
        user = self.require(BUILD_SCOPE)
        build = await self.one(build_id)
        if build.state != "failed":
            raise UserError(
                "Only a build that failed can be tried again.",
                "To build what is there already, ask for a build with `force`.",
                status=409,
            )
        self.count(user)
        if build.locked_to:
            self.answer(await self.again(build, build.locked_to, user), 201)
            return
        recipe = await self.same(build, user)
        made = await self.services.environments.of(recipe, asker=user, anew=True)
        self.answer(_made(made)["build"], 201)


class BuildRebuildHandler(AnyBuild):
    """POST: make an environment again."""

    @operation(
        "Make the environment of a build again from its record",
        scope=BUILD_SCOPE,
        answers={201: BuildModel},
    )
    async def post(self, build_id: str) -> None:
        """A build of the same commit that is held to the recorded versions. Its image is one of its
        own: launches go on with the one that they have. `GET /api/builds/{build_id}/environment` of
        both says what differs."""
        user = self.require(BUILD_SCOPE)
        build = await self.one(build_id)
        self.count(user)
        self.answer(await self.again(build, build.id, user), 201)


class BuildEnvironmentHandler(AnyBuild):
    """GET: what a build made."""

    @operation("Show what a build made", scope=BUILD_SCOPE, answers={200: EnvironmentModel})
    async def get(self, build_id: str) -> None:
        """Its packages and how it was made; kept as long as the build, whatever becomes of its
        image. All of it was read from the image, which could say anything of itself."""
        self.require(BUILD_SCOPE)
        recorded = await self.recorded(build_id)
        self.answer(EnvironmentModel(artefact=recorded.artefact, bill=recorded.bill))


class BuildBillHandler(AnyBuild):
    """GET: the same as a bill of materials."""

    @operation(
        "Fetch the bill of materials of what a build made",
        scope=BUILD_SCOPE,
        answers={200: dict[str, Any]},
        media_type=cyclonedx.MEDIA_TYPE,
    )
    async def get(self, build_id: str) -> None:
        """CycloneDX 1.6, as it lies beside the artefact."""
        self.require(BUILD_SCOPE)
        recorded = await self.recorded(build_id)
        self.set_header("Content-Type", f"{cyclonedx.MEDIA_TYPE}; version=1.6")
        self.set_header("Cache-Control", "no-store")
        name = f"{recorded.artefact}.{cyclonedx.ENDING}"
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(json.dumps(cyclonedx.document(recorded.bill, recorded.artefact), indent=1))


class BuildEventsHandler(AnyBuild, EventStreamHandler):
    """GET: a build's events, its log lines among them, as server-sent events."""

    @operation(
        "Follow a build",
        scope=BUILD_SCOPE,
        query=SinceQuery,
        answers={200: EventModel, 204: None},
        media_type=EVENT_STREAM,
    )
    async def get(self, build_id: str) -> None:
        """One event for each line of its log and each change, to its end. `Last-Event-ID` goes on
        where a broken connection ended."""
        self.require(BUILD_SCOPE)
        build = await self.one(build_id)
        if build.finished and not await self.services.events.last(stream(build.id)):
            raise _log_is_gone()
        await stream_events(self, self.services.events, stream(build.id), BUILD_ENDS)


class BuildLogHandler(AnyBuild):
    """GET: what a build has told so far, as text."""

    @operation("Read a build's log", scope=BUILD_SCOPE, answers={200: str}, media_type="text/plain")
    async def get(self, build_id: str) -> None:
        """As it is now; to see it grow, follow the build's events."""
        self.require(BUILD_SCOPE)
        build = await self.one(build_id)
        events = await self.services.events.since(stream(build.id), 0)
        if not events:
            raise _log_is_gone()
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Disposition", f'inline; filename="build-{build.id}.log"')
        self.finish("".join(f"{event.message}\n" for event in events))


def _log_is_gone() -> NotFound:
    return NotFound("The log of this build is gone.", "Build it again.")


def _made(environment: Environment) -> dict[str, object]:
    build = BuildModel.of(environment.build) if environment.build else None
    made = MadeModel(commit=environment.recipe.commit, artefact=environment.artefact, build=build)
    return made.model_dump(mode="json")
