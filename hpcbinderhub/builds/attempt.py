"""One claimed build: its process, what it says, and how it ends.

The build goes on in a process of its own; this end tells the service what comes from it, and sees
that it is gone when the build is not ours any more.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from ..errors import Unavailable, UserError
from ..images.signing import write_beside
from ..store.delivery import Store
from .client import ServiceClient
from .request import BuildEvent, BuildRequest, BuiltEvent, FailedEvent, LogEvent, build_events

log = logging.getLogger(__name__)

T = TypeVar("T")

REPORT_SECONDS = 0.25
MAX_BATCH = 500
SIGNAL_SECONDS = 0.5
"""A build may die of a signal that we get as well, and hear of a little later."""


class BuildAttempt:
    """One claimed build, from the first event to the last."""

    def __init__(self, client: ServiceClient, build: str, lease_seconds: float, store: Store):
        self._client = client
        self._build = build
        self._heartbeat_seconds = lease_seconds / 3
        self._store = store
        self._unsaid: list[LogEvent] = []
        self._end: BuiltEvent | FailedEvent | None = None
        self._ended = asyncio.Event()
        self._last_said = time.monotonic()

    async def run(self, request: BuildRequest, stopping: asyncio.Event) -> None:
        """Build, report, and say how it ended."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hpcbinderhub.builds.run",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 22,
        )
        reading = asyncio.ensure_future(self._read(process, request))
        stopped = asyncio.ensure_future(stopping.wait())
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            while not reading.done() and self._end is None:
                await asyncio.wait(
                    [reading, stopped, ended],
                    timeout=REPORT_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if stopped.done():
                    break
                await self._say()
            if await self._was_stopped(stopping):
                self._end = None
            elif self._end is not None:
                await self.tell(self._end, request.reader)
                # It tidies its storage up; the next build would wait for that anyway.
                await asyncio.wait([reading, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            ended.cancel()
            await _end_process(process)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if self._end is None:
            await self._give_up(stopping.is_set())

    async def _was_stopped(self, stopping: asyncio.Event) -> bool:
        """Whether we are to end, and the build has not made anything. A batch system sends its
        signal to all processes of a job, so the build may have failed of it just before."""
        if isinstance(self._end, BuiltEvent):
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(SIGNAL_SECONDS):
                await stopping.wait()
        return stopping.is_set()

    async def refuse(self, error: UserError) -> None:
        """Say that there will be no build, and why."""
        await self.tell(_gone_wrong(error), None)

    async def tell(self, end: BuiltEvent | FailedEvent, reader: int | None) -> None:
        """Say how the build ended; what was built is in the store before anybody hears of it."""
        self._end = end
        if isinstance(end, BuiltEvent):
            await self._deliver(end, reader)
        await self._say_how_it_ended()

    async def _read(self, process: asyncio.subprocess.Process, request: BuildRequest) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(request.model_dump_json().encode() + b"\n")
        await process.stdin.drain()
        while line := await process.stdout.readline():
            event: BuildEvent = build_events.validate_json(line)
            if isinstance(event, LogEvent):
                self._unsaid.append(event)
            else:
                self._end = event
                self._ended.set()

    async def _say(self) -> None:
        """What is new; or a heartbeat in time. A service that is restarting is told later."""
        quiet = time.monotonic() - self._last_said
        if self._unsaid or quiet > self._heartbeat_seconds:
            batch = self._unsaid[:MAX_BATCH]
            with suppress(Unavailable):
                await self._client.report(self._build, batch)
                del self._unsaid[: len(batch)]
                self._last_said = time.monotonic()

    async def _give_up(self, stopping: bool) -> None:
        """There is no end to tell of: we were stopped, or the builder's process was."""
        if not stopping:
            raise Unavailable("the builder's process died")
        await self._insist("release", {})

    async def _deliver(self, end: BuiltEvent, reader: int | None) -> None:
        def say(line: str) -> None:
            self._unsaid.append(LogEvent(phase="converting", message=line))

        async def deliver() -> None:
            # Before it is sent, so that what lies beside it is sent as well.
            made = end.artefact
            signature = await _until_heard(lambda: self._client.sign(self._build, made.sha256))
            if signature:
                await asyncio.to_thread(write_beside, made.path, signature)
            await self._store.deliver(made, reader, say)

        delivering = asyncio.ensure_future(deliver())
        try:
            while not delivering.done():
                await asyncio.wait([delivering], timeout=REPORT_SECONDS)
                await self._say()
            delivering.result()
        except (UserError, Unavailable) as error:
            self._end = _gone_wrong(error)
        finally:
            delivering.cancel()

    async def _say_how_it_ended(self) -> None:
        while self._unsaid:
            await self._say()
            await asyncio.sleep(REPORT_SECONDS if self._unsaid else 0)
        if isinstance(self._end, BuiltEvent):
            made, bill = self._end.artefact, self._end.bill.model_dump(exclude_defaults=True)
            body = {"artefact": made.sha256, "size": made.size, "bill": bill}
            await self._insist("finish", body)
        elif isinstance(self._end, FailedEvent):
            await self._insist("fail", _failure(self._end))

    async def _insist(self, how: str, body: dict[str, Any]) -> None:
        """Say it until it is heard: what was built would be lost otherwise."""
        await _until_heard(lambda: self._client.end(self._build, how, body))


async def _until_heard(say: Callable[[], Awaitable[T]]) -> T:
    pause = 0.5
    while True:
        try:
            return await say()
        except Unavailable as error:
            log.warning("%s Telling it again in %.0f s", error, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10)


def _gone_wrong(error: UserError | Unavailable) -> FailedEvent:
    """The end of a build for which something around it did not work."""
    if isinstance(error, UserError):
        words = tuple(error.detail.splitlines())
        return FailedEvent(
            cause="internal", message=error.message, advice=error.advice, lines=words
        )
    return FailedEvent(
        cause="internal",
        message="The artefact store does not answer.",
        advice="Launch again; if it goes on, tell your help desk.",
        lines=(str(error),),
    )


def _failure(end: FailedEvent) -> dict[str, Any]:
    """A failed build's end, within the limits of what the service takes."""
    return {
        "cause": end.cause,
        "message": end.message[:2000],
        "advice": end.advice[:2000],
        "lines": [line[:1000] for line in end.lines[-100:]],
    }


async def _end_process(process: asyncio.subprocess.Process) -> None:
    """End the builder's process; it ends what it started."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
