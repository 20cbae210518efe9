"""The worker: claims builds over HTTP and has each built (`attempt`), one at a time.

It runs under the builder's account, on any host that reaches the hub, and holds one token that is
good for nothing but this. A worker that is killed loses its lease; one that is stopped gives its
build back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import Unavailable, UserError
from ..images.base import BaseImage, BaseSettings, NotMade, ensure_base
from ..images.store import make_folder
from ..site import Site
from ..store.delivery import store_of
from .attempt import BuildAttempt
from .chores import keep_removing, try_to_remove
from .client import Gone, ServiceClient
from .disk import free
from .recipe import TOOLS_GENERATION
from .request import BuildRequest, Limits
from .workplace import Readied, builder, make_ready

log = logging.getLogger(__name__)

SHORT_SECONDS = 10.0
AGAIN_SECONDS = 30.0
AGAIN_AT_LEAST_EVERY = 600.0


@dataclass(frozen=True)
class Terms:
    """How long a worker stays."""

    leaves: bool = False
    """Whether it ends once there is no build for it; otherwise it waits for the next."""
    until: float = math.inf
    """When it takes no more, by the monotonic clock."""


FOR_GOOD = Terms()


class Worker:
    """One builder: one build at a time."""

    def __init__(
        self,
        site: Site,
        client: ServiceClient,
        make_ready: Callable[[], Readied],
        terms: Terms = FOR_GOOD,
    ):
        self._site = site
        self._client = client
        self._make_ready = make_ready
        self._terms = terms
        self._directory = Path(site.builder_dir)
        self._store = store_of(site)
        self._stopping = asyncio.Event()

    def stop_on_signals(self) -> None:
        """On SIGTERM and SIGINT, give the current build back and end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)

    async def run(self) -> None:
        """Build until stopped, or as long as the terms say."""
        await self._clean()
        ready = await self._readied()
        if ready is None:
            return
        log.info("The base images are %s", ", ".join(ready.base_images))
        for finding in ready.fence.findings():
            log.info("%s", finding)
        log.info("Waiting for builds.")
        stopping = asyncio.ensure_future(self._stopping.wait())
        # First, since the room that it makes may be what is lacking.
        await try_to_remove(self._client, self._store)
        removing = asyncio.ensure_future(keep_removing(self._client, self._store))
        while not self._stopping.is_set() and time.monotonic() < self._terms.until:
            claim = asyncio.ensure_future(self._next())
            await asyncio.wait([claim, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not claim.done():
                claim.cancel()
                break
            claimed = claim.result()
            if claimed:
                log.info("Building %s of %s", claimed["commit"], claimed["repo_url"])
                await self._build(claimed, ready)
            elif self._terms.leaves:
                break
        removing.cancel()
        stopping.cancel()

    async def _readied(self) -> Readied | None:
        """None if it is stopped before there is a base image. Each try is minutes of work for this
        host and the package index, and somebody has to mend what is wrong: so they become rare."""
        for seconds in waits():
            try:
                return await asyncio.to_thread(self._make_ready)
            except NotMade as error:
                # A job's time is too dear to wait in it.
                if self._terms.leaves:
                    raise
                log.error("%s\nIt is tried again in %g seconds.", error.as_text(), seconds)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)
                break
        return None

    async def _next(self) -> dict[str, Any] | None:
        """The next build; None if there is none for us at the moment."""
        while True:
            try:
                short = await self._short()
                claimed = await self._client.claim(short)
            except (Unavailable, Gone) as error:
                if self._terms.leaves and isinstance(error, Gone):
                    return None
                log.warning("%s Again in a second.", error)
                await asyncio.sleep(1)
            else:
                if short and not self._terms.leaves:
                    await asyncio.sleep(SHORT_SECONDS)
                return claimed

    async def _short(self) -> str:
        """Why no build is taken at the moment, or nothing."""
        for what, left in (
            ("Builders are", await asyncio.to_thread(free, [self._directory])),
            ("The artefact store is", await self._store.free()),
        ):
            if left >> 20 < self._site.builder_free_disk_mb:
                return f"{what} short of disk space; builds wait until there is more."
        return ""

    async def _build(self, claimed: dict[str, Any], ready: Readied) -> None:
        build = claimed["id"]
        directory = self._directory / "work" / build
        attempt = BuildAttempt(self._client, build, self._site.lease_seconds, self._store)
        try:
            ready.fence.admit(claimed["asker"])
            await asyncio.to_thread(_fresh, directory)
            await self._client.context(build, directory / "context.tar")
            await _unpack(directory / "context.tar", directory / "context")
            request = self._request(claimed, ready, directory / "context")
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

    def _request(self, claimed: dict[str, Any], ready: Readied, context: Path) -> BuildRequest:
        site, fence = self._site, ready.fence
        base_image, *others = ready.base_images
        tool = builder(site)
        return BuildRequest(
            id=claimed["id"],
            context=context,
            commit=claimed["commit"],
            repo_url=claimed["repo_url"],
            ref=claimed["ref"],
            key=claimed["key"],
            base_image=base_image,
            python=site.python,
            other_pythons=dict(zip(site.other_pythons, others, strict=True)),
            other_base_image=site.other_base_image,
            tools_generation=TOOLS_GENERATION,
            builder=tool.name,
            storage=tool.storage,
            artefact_dir=self._store.folder,
            reader=claimed["reader_uid"],
            lock=claimed["lock"],
            mount_points=tuple(site.mount_points),
            environment=fence.policy.environment() | dict(site.build_environment),
            ca_bundle=Path(site.build_ca_bundle) if site.build_ca_bundle else None,
            limits=Limits(
                seconds=site.build_seconds,
                disk_bytes=site.build_disk_mb << 20,
                log_bytes=site.build_log_kb << 10,
                memory_bytes=fence.policy.memory_mb << 20,
                processes=fence.policy.processes,
            ),
            confinement=fence.confinement(hidden=_secrets(site)),
        )


def waits() -> Iterator[float]:
    """Seconds between tries, each twice as long as the one before it, up to some minutes."""
    seconds = AGAIN_SECONDS
    while True:
        yield seconds
        seconds = min(2 * seconds, AGAIN_AT_LEAST_EVERY)


def _secrets(site: Site) -> list[Path]:
    """What the builder's account holds and no build has to see."""
    return [Path(site.worker_token_file)] if site.worker_token_file else []


async def run_worker(site: Site, hpcbinder_source: Path) -> None:
    """`hpcbinderhub worker` on a host of its own: until SIGTERM or SIGINT."""
    token = (await asyncio.to_thread(Path(site.worker_token_file).read_text)).strip()

    def make_base(settings: BaseSettings) -> BaseImage:
        return ensure_base(settings, hpcbinder_source, log.info)

    worker = Worker(site, ServiceClient(site, token), partial(make_ready, site, make_base))
    worker.stop_on_signals()
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
