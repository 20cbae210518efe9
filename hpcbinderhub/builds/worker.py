"""The worker: claims builds over HTTP, has them built by a process of their own, tells how it goes.

It runs under the builder's account, on any host that reaches the hub, and holds one token that is
good for nothing but this. A worker that is killed loses its lease; one that is stopped gives its
build back.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import Unavailable, UserError
from ..images.base import BaseSettings, ensure_base
from ..images.store import make_folder
from ..site import Site
from .chores import keep_removing
from .client import Gone, ServiceClient
from .disk import free
from .fence import cgroup
from .fence.policy import Fence, fence_here
from .recipe import TOOLS_GENERATION
from .request import (
    BuildEvent,
    BuildRequest,
    BuiltEvent,
    FailedEvent,
    Limits,
    LogEvent,
    Storage,
    build_events,
)

log = logging.getLogger(__name__)

REPORT_SECONDS = 0.25
MAX_BATCH = 500
SHORT_SECONDS = 10.0


class Worker:
    """One builder: one build at a time."""

    def __init__(self, site: Site, client: ServiceClient, hpcbinder_source: Path):
        self._site = site
        self._client = client
        self._hpcbinder_source = hpcbinder_source
        self._directory = Path(site.builder_dir)
        self._stopping = asyncio.Event()
        self._fence: Fence

    def stop(self) -> None:
        """Give the current build back and end."""
        self._stopping.set()

    async def run(self) -> None:
        """Build until stopped."""
        await self._clean()
        base = await asyncio.to_thread(
            ensure_base, self._base_settings(), self._hpcbinder_source, log.info
        )
        log.info("The base image is %s", base.name)
        self._fence = await asyncio.to_thread(
            fence_here, self._site, self._storage(), base.name, divide=cgroup.divide
        )
        for finding in self._fence.findings():
            log.info("%s", finding)
        log.info("Waiting for builds.")
        stopping = asyncio.ensure_future(self._stopping.wait())
        removing = asyncio.ensure_future(keep_removing(self._client, Path(self._site.artefacts)))
        while not self._stopping.is_set():
            claim = asyncio.ensure_future(self._next())
            await asyncio.wait([claim, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not claim.done():
                claim.cancel()
                break
            claimed = claim.result()
            if claimed:
                log.info("Building %s of %s", claimed["commit"], claimed["repo_url"])
                await self._build(claimed, base.name)
        removing.cancel()
        stopping.cancel()

    async def _next(self) -> dict[str, Any] | None:
        short = await asyncio.to_thread(self._short)
        try:
            claimed = await self._client.claim(short)
            if short:
                await asyncio.sleep(SHORT_SECONDS)
            return claimed
        except (Unavailable, Gone) as error:
            log.warning("%s Again in a second.", error)
            await asyncio.sleep(1)
            return None

    def _short(self) -> str:
        """Why no build is taken at the moment, or nothing."""
        for what, directory in (
            ("Builders are", self._directory),
            ("The artefact store is", Path(self._site.artefacts)),
        ):
            if free([directory]) >> 20 < self._site.builder_free_disk_mb:
                return f"{what} short of disk space; builds wait until there is more."
        return ""

    async def _build(self, claimed: dict[str, Any], base_image: str) -> None:
        build = claimed["id"]
        directory = self._directory / "work" / build
        attempt = BuildAttempt(self._client, build, self._site.lease_seconds)
        try:
            self._fence.admit(claimed["asker"])
            await asyncio.to_thread(_fresh, directory)
            await self._client.context(build, directory / "context.tar")
            await _unpack(directory / "context.tar", directory / "context")
            request = self._request(claimed, base_image, directory / "context")
            await asyncio.to_thread(make_folder, request.artefact_dir, request.reader)
            await attempt.run(request, self._stopping)
        except Gone as error:
            log.warning("The service takes no more of this build (%s)", error)
        except UserError as error:
            await attempt.refuse(error)
        except Unavailable as error:
            # Nothing was said, so the lease runs out and the build is claimed again.
            log.warning("Build %s is left to its lease: %s", build, error)
        finally:
            await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)

    async def _clean(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self._directory / "work", ignore_errors=True)

    def _request(self, claimed: dict[str, Any], base_image: str, context: Path) -> BuildRequest:
        site = self._site
        return BuildRequest(
            id=claimed["id"],
            context=context,
            commit=claimed["commit"],
            repo_url=claimed["repo_url"],
            ref=claimed["ref"],
            key=claimed["key"],
            base_image=base_image,
            other_base_image=site.other_base_image,
            tools_generation=TOOLS_GENERATION,
            storage=self._storage(),
            artefact_dir=Path(site.artefacts),
            reader=claimed["reader_uid"],
            mount_points=tuple(site.mount_points),
            environment=self._fence.policy.environment() | dict(site.build_environment),
            ca_bundle=Path(site.build_ca_bundle) if site.build_ca_bundle else None,
            limits=Limits(
                seconds=site.build_seconds,
                disk_bytes=site.build_disk_mb << 20,
                log_bytes=site.build_log_kb << 10,
                memory_bytes=self._fence.policy.memory_mb << 20,
                processes=self._fence.policy.processes,
            ),
            confinement=self._fence.confinement(hidden=_secrets(site)),
        )

    def _base_settings(self) -> BaseSettings:
        return base_settings(self._site, self._storage())

    def _storage(self) -> Storage:
        return storage(self._directory)


class BuildAttempt:
    """One claimed build, from the first event to the last."""

    def __init__(self, client: ServiceClient, build: str, lease_seconds: float):
        self._client = client
        self._build = build
        self._heartbeat_seconds = lease_seconds / 3
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
            if self._end is not None:
                await self._say_how_it_ended()
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

    async def refuse(self, error: UserError) -> None:
        """Say that there will be no build, and why."""
        self._end = FailedEvent(
            cause="internal",
            message=error.message,
            advice=error.advice,
            lines=tuple(error.detail.splitlines()),
        )
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

    async def _say_how_it_ended(self) -> None:
        while self._unsaid:
            await self._say()
            await asyncio.sleep(REPORT_SECONDS if self._unsaid else 0)
        if isinstance(self._end, BuiltEvent):
            made = self._end.artefact
            await self._insist("finish", {"artefact": made.sha256, "size": made.size})
        elif isinstance(self._end, FailedEvent):
            await self._insist("fail", _failure(self._end))

    async def _insist(self, how: str, body: dict[str, Any]) -> None:
        """Say it until it is heard: what was built would be lost otherwise."""
        pause = 0.5
        while True:
            try:
                await self._client.end(self._build, how, body)
                return
            except Unavailable as error:
                log.warning("%s Telling it again in %.0f s", error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 10)


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


def _secrets(site: Site) -> list[Path]:
    """What the builder's account holds and no build has to see."""
    return [Path(site.worker_token_file)] if site.worker_token_file else []


def storage(directory: Path) -> Storage:
    """A builder's storage below its directory."""
    for name in ("graphroot", "runroot", "tmp"):
        (directory / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return Storage(
        graphroot=directory / "graphroot", runroot=directory / "runroot", tmp=directory / "tmp"
    )


def base_settings(site: Site, where: Storage) -> BaseSettings:
    """The site's choices about its base image."""
    return BaseSettings(
        storage=where,
        from_image=site.base_image,
        environment=dict(site.build_environment),
        ca_bundle=Path(site.build_ca_bundle) if site.build_ca_bundle else None,
    )


async def run_worker(site: Site, hpcbinder_source: Path) -> None:
    """`hpcbinderhub worker`: until SIGTERM or SIGINT."""
    token = (await asyncio.to_thread(Path(site.worker_token_file).read_text)).strip()
    worker = Worker(site, ServiceClient(site, token), hpcbinder_source)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    await worker.run()


def _fresh(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)


async def _unpack(archive: Path, target: Path) -> None:
    """Unpack a commit's files. GNU tar makes links last, so that no entry is written through one;
    Python's own filter is missing in early versions of 3.11."""
    await asyncio.to_thread(target.mkdir)
    process = await asyncio.create_subprocess_exec(
        *("tar", "--extract", "--no-same-owner", f"--file={archive}", f"--directory={target}"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, words = await process.communicate()
    if process.returncode != 0:
        raise Unavailable(f"The files could not be unpacked: {words.decode().strip()}")
    await asyncio.to_thread(archive.unlink)
