"""Takes each launch from the click to a running server, one state after the other.

Every step reads the record, does what its state calls for and writes the next state; each may be
done twice without harm. So a service that was killed anywhere goes on by conducting what is live.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..builds.environments import Environment, Environments, Recipe
from ..builds.queue import BuildQueue
from ..builds.records import INSTEAD, OUTDATED
from ..builds.records import stream as build_stream
from ..builds.second_try import may_be_mended
from ..errors import NotFound, Unavailable, UserError, defect
from ..events import BUILD_ENDS, Event, EventLog
from ..images.engines import Engine, engine_class
from ..images.engines.pulled import pulls
from ..repos.spec import RepoSpec
from ..site import Site
from ..store.publishing import Publishing
from ..trust.grounds import Trust
from ..trust.reach import Reach
from .admission import Admission, Wish
from .hub import Hub
from .options import Existing, LaunchOptions
from .origin import signed
from .parts import PartsStore, Wanted
from .presence import Presence
from .records import OVER, Launch, LaunchBook, Request, State

log = logging.getLogger(__name__)

TODAYS = (
    "It was to be built again in the versions that were recorded. For those of today, launch the "
    "repository again from its link; your workspace stays as it is."
)
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
CANCEL_SECONDS = 45.0
"""Less than the minute that pages and proxies wait: a cancel goes on without who asked for it."""


class Conductor:
    """All launches of a site."""

    def __init__(
        self,
        site: Site,
        book: LaunchBook,
        events: EventLog,
        queue: BuildQueue,
        environments: Environments,
        admission: Admission,
        hub: Hub,
        presence: Presence,
        trust: Trust,
        publishing: Publishing,
        parts: PartsStore,
    ):
        self._site = site
        self._book = book
        self._events = events
        self._queue = queue
        self._environments = environments
        self._admission = admission
        self._hub = hub
        self._presence = presence
        self._trust = trust
        self._publishing = publishing
        self._parts = parts
        self._tasks: dict[str, asyncio.Task[None]] = {}

    # -- what a page or the API may do ---------------------------------------------------------

    async def begin(self, user: str, groups: Iterable[str], wish: Wish) -> Launch:
        """Check a wish, record it and set it going."""
        return await self._add(await self._admission.checked(user, groups, wish))

    async def again(self, launch: Launch, groups: Iterable[str]) -> Launch:
        """Launch the same once more: the same commit, in the same environment, in the same
        workspace as it is now."""
        request = await self._admission.repeated(launch, groups)
        return await self._add(request, launch.commit, launch.artefact)

    async def _add(
        self, request: Request, commit: str | None = None, artefact: str | None = None
    ) -> Launch:
        launch = await self._book.add(request, commit, artefact)
        self._presence.saw(launch.id)
        self._conduct(launch.id)
        return launch

    async def go_on(self, launch: Launch) -> None:
        """The owner is back and clicked: start what was parked. What she may take back meanwhile,
        or may have lost, is asked again first."""
        self._presence.saw(launch.id)
        image = launch.artefact or ""
        if launch.private or launch.reach is Reach.HOME:
            # Whether she may still read the repository, and it her home, is asked on that way.
            if not await self._book.change(launch.id, State.PARKED, state=State.RESOLVING):
                return
        elif await self._book.take(launch.id, State.PARKED, image, state=State.STARTING):
            await self._events.append(launch.stream, "launching", "Going on where we stopped.")
        elif await self._book.change(launch.id, State.PARKED, state=State.RESOLVING):
            await self._events.append(
                launch.stream, "fetching", "The environment was removed while you were away."
            )
        else:
            return
        self._conduct(launch.id)

    async def cancel(self, launch: Launch) -> None:
        """Give the launch up, whatever it is doing. A server that starts is stopped: as soon as the
        hub can, if it cannot at once."""
        current: Launch | None = launch
        while current and current.state not in (*OVER, State.CANCELLING):
            starts = current.state is State.STARTING
            state = State.CANCELLING if starts else State.CANCELLED
            if await self._book.change(launch.id, current.state, state=state):
                await self._stop_task(launch.id)
                await (self._stop_soon(launch) if starts else self._say_cancelled(launch))
                return
            current = await self._book.get(launch.id)

    async def _stop_soon(self, launch: Launch) -> None:
        await self._events.append(launch.stream, "launching", "Stopping what was started.")
        self._conduct(launch.id)
        await asyncio.wait([self._tasks[launch.id]], timeout=CANCEL_SECONDS)

    async def _say_cancelled(self, launch: Launch) -> None:
        await self._events.append(launch.stream, "failed", "Cancelled.")
        self._presence.forget(launch.id)

    async def resume(self) -> None:
        """Go on with everything that was live when the last service ended."""
        for launch in await self._book.live():
            self._conduct(launch.id)

    async def close(self) -> None:
        """Stop conducting; the records stay as they are."""
        for launch in list(self._tasks):
            await self._stop_task(launch)

    # -- one launch ----------------------------------------------------------------------------

    def _conduct(self, launch: str) -> None:
        task = asyncio.create_task(self._run(launch), name=f"launch-{launch}")
        self._tasks[launch] = task
        task.add_done_callback(lambda done: self._done(launch, done))

    def _done(self, launch: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(launch) is task:
            del self._tasks[launch]
        if not task.cancelled() and task.exception():
            log.error("Launch %s stopped by a defect", launch, exc_info=task.exception())

    async def _stop_task(self, launch: str) -> None:
        task = self._tasks.get(launch)
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self, launch_id: str) -> None:
        pause = FIRST_PAUSE
        while (launch := await self._book.get(launch_id)) and launch.state in _STEPS:
            try:
                await _STEPS[launch.state](self, launch)
                pause = FIRST_PAUSE
            except UserError as error:
                await self._fail(launch, error)
            except Unavailable as error:
                log.warning("Launch %s waits %.0f s: %s", launch_id, pause, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            except Exception:
                log.exception("Launch %s met a defect", launch_id)
                await self._fail(launch, defect())

    async def _fail(self, launch: Launch, error: UserError) -> None:
        failure = error.as_dict()
        if await self._book.change(launch.id, launch.state, state=State.FAILED, failure=failure):
            data: dict[str, Any] = {
                key: failure[key] for key in ("advice", "detail") if failure[key]
            }
            await self._events.append(
                launch.stream, "failed", error.message, **data, status=error.status
            )
        self._presence.forget(launch.id)

    async def _resolve(self, launch: Launch) -> None:
        spec = RepoSpec("git", launch.repo_url, launch.ref)
        await self._events.append(launch.stream, "fetching", f"Fetching {launch.repo_url}.")
        recipe = await self._environments.recipe(spec, launch.user, launch.commit)
        for sentence in recipe.notices:
            await self._events.append(launch.stream, "fetching", sentence, notice=True)
        self._check_engine(launch, recipe)
        await self._fetch_parts(launch, recipe)
        found = await self._environment(launch, recipe)
        known = {"commit": recipe.commit, "private": recipe.reader is not None}
        if found.build is None:
            await self._events.append(
                launch.stream,
                "built",
                "This environment was built before.",
                commit=recipe.commit,
                artefact=found.artefact,
            )
            # If it was removed just now, the state stays, and so this step is taken again.
            await self._book.take(
                launch.id, launch.state, found.artefact or "", state=State.BUILT, **known
            )
            return
        build = found.build.id
        await self._events.append(
            launch.stream,
            "building",
            "Building the environment.",
            commit=recipe.commit,
            build=build,
        )
        await self._book.change(launch.id, launch.state, state=State.BUILDING, build=build, **known)

    async def _environment(self, launch: Launch, recipe: Recipe) -> Environment:
        """What the recipe was made into, or a build; as it was, for a launch that had it before."""
        if launch.artefact is None:
            return await self._environments.of(recipe, asker=launch.user)
        found = await self._environments.restored(recipe, launch.artefact, asker=launch.user)
        if found.notice:
            await self._events.append(launch.stream, "fetching", found.notice, notice=True)
        return found

    async def _fetch_parts(self, launch: Launch, recipe: Recipe) -> None:
        """Have ready by the time that the job starts what else a new workspace gets. One that was
        used before most likely gets nothing."""
        changes = launch.existing is Existing.UPDATE
        if changes or not await self._book.has_used(launch.user, launch.workspace):
            where = (launch.repo_url, launch.ref, recipe.commit, recipe.reader)
            self._parts.begin(Wanted(launch.id, *where))

    def _check_engine(self, launch: Launch, recipe: Recipe) -> None:
        """Refuse, before anything is built, what the profile's engine cannot keep to one user."""
        engine = self._engine(launch)
        if engine:
            engine.check(recipe.reader is not None)

    def _engine(self, launch: Launch) -> type[Engine] | None:
        """Of the launch's profile, if the site still has that."""
        profile = next((p for p in self._site.profiles if p.name == launch.profile), None)
        return engine_class(profile.engine) if profile else None

    async def _build(self, launch: Launch) -> None:
        build = await self._queue.get(launch.build or "")
        if build is None:
            raise NotFound("The build of this launch is gone.", "Launch it again.")
        async for event in self._events.follow(build_stream(build.id), BUILD_ENDS):
            if event.phase == "failed":
                data = event.data
                if data.get(INSTEAD) or data.get("cause") == OUTDATED:
                    await self._begin_anew(launch, event)
                    return
                lines = "\n".join(data.get("lines", []))
                other_versions = build.locked_to and may_be_mended(data)
                advice = TODAYS if other_versions else data.get("advice", "")
                raise UserError(event.message, advice, detail=lines)
        image = await self._queue.image(build.key)
        artefact = image.artefact if image else ""
        if artefact:
            await self._events.append(
                launch.stream, "built", "The environment is ready.", artefact=artefact
            )
        if not await self._book.take(launch.id, launch.state, artefact, state=State.BUILT):
            # An admin removed it just now: it is built again.
            await self._book.change(launch.id, launch.state, state=State.RESOLVING)

    async def _begin_anew(self, launch: Launch, failed: Event) -> None:
        """There is another way to build the commit than the one that failed."""
        second = await self._queue.get(failed.data.get(INSTEAD, ""))
        what_now = failed.data["advice"] if second else "Beginning anew."
        # It may be the build of another commit with the same recipe: this one has its own.
        same = {"build": second.id} if second and second.commit == launch.commit else {}
        phase, state = ("building", State.BUILDING) if same else ("fetching", State.RESOLVING)
        if await self._book.change(launch.id, launch.state, state=state, **same):
            sentence = f"{failed.message} {what_now}"
            await self._events.append(launch.stream, phase, sentence, notice=True, **same)

    async def _publish(self, launch: Launch) -> None:
        """Wait for the registry, if the profile's engine pulls from there: before anything is
        submitted, and before the owner is looked for."""
        engine, artefact = self._engine(launch), launch.artefact or ""
        if engine is None or not pulls(engine, self._site):
            return
        if not await self._publishing.has(artefact):
            sentence = f"Pushing the image to the site's registry, where {engine.name} gets it."
            await self._events.append(launch.stream, "launching", sentence)
            await self._publishing.wait_for(artefact)

    async def _wait_for_owner(self, launch: Launch) -> None:
        await self._publish(launch)
        await self._trust.check(launch.user, launch.repo_url, launch.reach)
        if launch.start_when_ready or await self._presence.here(launch.id):
            await self._book.change(launch.id, launch.state, state=State.STARTING)
        elif await self._book.change(launch.id, launch.state, state=State.PARKED):
            await self._events.append(
                launch.stream,
                "parked",
                "Ready to start. Nothing was submitted while you were away.",
            )

    async def _start(self, launch: Launch) -> None:
        await self._events.append(launch.stream, "launching", "Asking Slurm for a node.")
        state_dir = Path(self._site.state_dir)
        options = await asyncio.to_thread(signed, launch_options(launch), state_dir)
        await self._hub.start(launch.user, launch.server, options.model_dump(mode="json"))
        async for event in self._hub.progress(launch.user, launch.server):
            if event.get("failed"):
                raise UserError.from_text(event["message"].removeprefix("Spawn failed: "))
            if event.get("ready"):
                await self._ready(launch, event["url"])
                return
            more = {"notice": True} if event.get("notice") else {}
            await self._events.append(launch.stream, "launching", event["message"], **more)

    async def _stop_server(self, launch: Launch) -> None:
        await self._hub.stop(launch.user, launch.server)
        if await self._book.change(launch.id, launch.state, state=State.CANCELLED):
            await self._say_cancelled(launch)

    async def _ready(self, launch: Launch, url: str) -> None:
        changed = await self._book.change(launch.id, launch.state, state=State.READY, url=url)
        if changed:
            await self._events.append(launch.stream, "ready", "JupyterLab is ready.", url=url)
        self._presence.forget(launch.id)


_STEPS = {
    State.RESOLVING: Conductor._resolve,
    State.BUILDING: Conductor._build,
    State.BUILT: Conductor._wait_for_owner,
    State.STARTING: Conductor._start,
    State.CANCELLING: Conductor._stop_server,
}


def launch_options(launch: Launch) -> LaunchOptions:
    """What the spawner gets for a launch whose image is ready."""
    return LaunchOptions(
        launch=launch.id,
        profile=launch.profile,
        **launch.choices.model_dump(),
        artefact=launch.artefact or "",
        private=launch.private,
        reach=launch.reach,
        repo_url=launch.repo_url,
        ref=launch.ref,
        commit=launch.commit or "",
        spec=launch.spec,
        workspace=launch.workspace,
        existing=launch.existing,
        open=launch.open,
        run=launch.run,
    )
