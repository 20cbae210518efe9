"""A crew as a Dask cluster: how it begins, what is learned of it meanwhile, and how it ends."""

from __future__ import annotations

import asyncio
import dataclasses
import weakref
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from distributed.client import Client
from distributed.core import Status, rpc
from distributed.deploy.cluster import Cluster

from ..node.grant import Tls
from ..node.tls import CrewSecurity
from .asking import named
from .backend import crews_at_hand
from .beside import SchedulerProcess
from .crew import Crew, Keys
from .crews import Crews
from .ends import lost_scheduler, said_of
from .errors import Unreachable, WorkersError
from .follow import follow
from .scaling import Scaling
from .scheduler import Settings

CONNECT_SECONDS = 15.0
SUBMIT_SECONDS = 0.5
"""How long it is worth waiting for Slurm's word before a scheduler is started."""


class CrewCluster(Cluster):  # type: ignore[misc]
    """What `Workers` are to Dask. It ends once, whoever wants it first: the user, the scheduler's
    process, or the service."""

    _open: ClassVar[weakref.WeakSet[CrewCluster]] = weakref.WeakSet()
    """What this kernel has made."""

    def _set_up(
        self,
        name: str,
        begin: Callable[[], Awaitable[None]],
        asynchronous: bool,
        loop: Any,
        quiet: bool,
    ) -> None:
        self._crews: Crews = crews_at_hand()
        self._begin = begin
        self.crew = Crew("", name)
        self.scaling = Scaling(self)
        self._idle_seconds = 0.0
        self._keys: Keys | None = None
        self.security: Any = None
        self._process: SchedulerProcess | None = None
        self._ours = False
        """This kernel has made it."""
        self._failure: WorkersError | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self._starting: asyncio.Future[None] | None = None
        self._closing: asyncio.Future[None] | None = None
        self.silent = ""
        """Why there may be news that we have not heard."""
        self.remark = ""
        """What did not work when it was last tried."""
        self._clients: weakref.WeakSet[Client] = weakref.WeakSet()
        super().__init__(asynchronous=asynchronous, loop=loop, quiet=quiet, name=name)
        if not asynchronous:
            self._loop_runner.start()
            self.sync(self._start)

    # From nothing to a scheduler that is connected

    def __await__(self) -> Any:
        async def started() -> CrewCluster:
            if self.status == Status.created:
                await self._start()
            return self

        return started().__await__()

    async def _start(self) -> None:
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start_once())
        await self._starting

    async def _start_once(self) -> None:
        self._news = asyncio.Event()
        try:
            await self._begin()
            await super()._start()
            self._check()
        except BaseException as error:
            # What another kernel has made stays as it was.
            await self._close("closed" if self._ours else "")
            if isinstance(error, OSError) and not isinstance(error, WorkersError):
                raise WorkersError(
                    f"The scheduler of “{self.name}” does not answer.",
                    f"Its process may have ended: Workers.end({self.name!r}) closes what is left.",
                    str(error),
                ) from error
            raise
        self._tasks.append(asyncio.ensure_future(self._mind_scheduler()))
        self._tell_of_others()
        self.scaling.begin()

    async def _create(self, request: Mapping[str, Any], idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self.crew, keys = await self._crews.create(request)
        self._ours = True
        self._follow()
        await self._submitted()
        self._process = await SchedulerProcess.warm()
        address = await self._process.begin(
            self.name,
            lambda folder: Settings(self.crew.id, keys, folder, idle_seconds, self.crew.keep),
        )
        self._check()
        try:
            await self._change(scheduler=address)
        except WorkersError:
            # Slurm may have refused meanwhile: then its words say more.
            self._learn(await self._crews.state(self.crew.id, 0, 0))
            self._check()
            raise
        self._connect(address, keys)

    async def _submitted(self) -> None:
        """Before anything else takes time, nodes wait in Slurm's queue; or Slurm has refused them,
        and nothing else is to be done."""
        end = asyncio.get_running_loop().time() + SUBMIT_SECONDS
        while any(node.state == "submitting" for node in self.crew.nodes):
            left = end - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._news.wait(), left)
            except asyncio.TimeoutError:
                return
        self._check()

    async def _attach(self) -> None:
        crew = named(self.name, (await self._crews.offer()).crews)
        if not crew.scheduler:
            raise WorkersError(
                f"“{self.name}” has no scheduler yet.",
                "If it stays so, the kernel that made it is gone: "
                f"Workers.end({self.name!r}) closes it.",
            )
        keys = await self._crews.keys(crew.id)
        # From now on, closing this closes them.
        self.crew = crew
        self._follow()
        self._connect(crew.scheduler, keys)

    def _connect(self, address: str, keys: Keys) -> None:
        self._keys, self.security = keys, CrewSecurity(Tls(*keys))
        self.scheduler_comm = rpc(
            address,
            timeout=CONNECT_SECONDS,
            connection_args=self.security.get_connection_args("client"),
        )

    def _tell_of_others(self) -> None:
        """Whoever runs a cell again may not know that what it made before goes on."""
        others = [one.name for one in CrewCluster._open if one.status == Status.running]
        if others:
            self.say(
                f"Still open beside “{self.name}”: "
                + ", ".join(f"“{name}”, closed by Workers.end({name!r})" for name in others)
            )
        CrewCluster._open.add(self)

    # What is learned meanwhile

    def _follow(self) -> None:
        self._tasks.append(asyncio.ensure_future(follow(self._crews, self.crew, self._learn)))

    async def _change(self, **what: Any) -> None:
        """Ask for it, and know what became of it at once."""
        self._learn(await self._crews.change(self.crew.id, **what))

    def _learn(self, crew: Crew, silent: str = "") -> None:
        """A picture that is newer; `silent` says why there may be a newer one."""
        self.silent = silent
        if crew.version >= self.crew.version:
            if crew.detail and crew.detail != self.crew.detail and not crew.over:
                self.say(str(said_of(crew)))
            self.crew = crew
        if crew.over and self.status == Status.running:
            self._fail(said_of(crew))
        self._changed()

    def _update_worker_status(self, op: str, msg: Any) -> None:
        super()._update_worker_status(op, msg)
        self._changed()

    def _changed(self) -> None:
        """Whatever is seen of it may be another now."""
        self._news.set()
        self._news = asyncio.Event()

    async def _mind_scheduler(self) -> None:
        """It may be killed, or end by its own rules."""
        if self._process is not None:
            why = await self._process.gone()
        else:
            await asyncio.wait([self._watch_worker_status_task])
            why = "it does not answer"
        if self.status == Status.running:
            error = lost_scheduler(self.name, why, f"{self._idle_seconds / 60:g} minutes")
            self._fail(error, "idle" if why == "idle" else "scheduler")

    def _fail(self, error: WorkersError, why: str = "scheduler") -> None:
        """It is over, and the user is told at once, and again by whatever she does next."""
        if self._failure is None:
            self._failure = error
            self.say(str(error))
            self._ending = asyncio.ensure_future(self._close(why))

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self.crew.over:
            raise said_of(self.crew)
        if self.status in (Status.closing, Status.closed):
            raise WorkersError(f"“{self.name}” is closed.", "Make new ones: Workers(…).")

    def say(self, text: str) -> None:
        """To the user, and to `logs()`."""
        self._log(text)

    # The end

    async def _close(self, why: str = "closed") -> None:
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close_once(why))
        await asyncio.shield(self._closing)

    async def _close_once(self, why: str) -> None:
        if self.status == Status.running:
            self.status = Status.closing
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        for client in list(self._clients):
            await client._close(fast=True)
        closing = asyncio.ensure_future(self._close_crew(why))
        if self._process is None:
            # A scheduler of another kernel's would close the crew itself, for another reason.
            await closing
        await asyncio.gather(closing, self._end_scheduler(why))
        await super()._close()
        self._changed()

    async def _close_crew(self, why: str) -> None:
        if not self.crew.id or not why:
            return
        try:
            closed = await self._crews.close(self.crew.id, why)
        except Unreachable as error:
            # Without their scheduler, workers end, and their jobs with them.
            self.say(f"{error.message} The workers of “{self.name}” were told to end themselves.")
        except WorkersError as error:
            self.say(str(error))
        else:
            self.crew = closed or dataclasses.replace(self.crew, state="closed", nodes=())

    async def _end_scheduler(self, why: str) -> None:
        if self._process is not None:
            await self._process.end()
        elif why and self.scheduler_comm is not None and self._failure is None:
            try:
                await self.scheduler_comm.terminate()
            except OSError:
                # It was gone already, or went before it could say so.
                return
