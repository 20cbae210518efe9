"""A worker takes builds as long as its terms say, and gives back what it is stopped in."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hpcbinderhub.builds.attempt import BuildAttempt
from hpcbinderhub.builds.client import Gone, ServiceClient
from hpcbinderhub.builds.fence.host import Host
from hpcbinderhub.builds.fence.policy import BuildPolicy, Fence
from hpcbinderhub.builds.request import BuildRequest, LogEvent
from hpcbinderhub.builds.worker import FOR_GOOD, Terms, Worker, waits
from hpcbinderhub.builds.workplace import Readied
from hpcbinderhub.errors import Unavailable
from hpcbinderhub.images.base import NotMade
from hpcbinderhub.site import Site
from hpcbinderhub.store.delivery import MountedStore

BUILD = {"id": "1", "commit": "0" * 40, "repo_url": "https://example.org/repo", "asker": "alice"}
Answer = dict[str, Any] | None | Exception


class Service(ServiceClient):
    """Answers claims as the test says, and then has no more builds; remembers how builds end."""

    def __init__(self, *claims: Answer):
        super().__init__(Site(), "")
        self.claims = list(claims)
        self.short: list[str] = []
        self.ends: list[str] = []

    async def claim(self, short: str) -> dict[str, Any] | None:
        self.short.append(short)
        await asyncio.sleep(0)
        answer = self.claims.pop(0) if self.claims else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def report(self, build: str, lines: Sequence[LogEvent]) -> None: ...

    async def end(self, build: str, how: str, body: dict[str, Any]) -> None:
        self.ends.append(how)

    async def context(self, build: str, target: Path) -> None:
        raise Gone(build)

    async def removals(self) -> list[str]:
        return ["a" * 64]

    async def removed(self, artefacts: Sequence[str]) -> None: ...


READIED = Readied(["localhost/base:1"], Fence(BuildPolicy(trusted_builders=["*"]), Host()))


def worker(tmp_path: Path, service: Service, terms: Terms = FOR_GOOD, **traits: Any) -> Worker:
    site = Site(builder_dir=str(tmp_path), artefacts=str(tmp_path), **traits)
    return Worker(site, service, lambda: READIED, terms)


@pytest.fixture(autouse=True)
def small_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' disk may be small."""
    monkeypatch.setattr("hpcbinderhub.builds.worker.free", lambda _: 2001 << 20)


async def test_one_that_leaves_does_so_when_nothing_comes(tmp_path: Path) -> None:
    service = Service(BUILD, BUILD, None, BUILD)
    await worker(tmp_path, service, Terms(leaves=True)).run()
    assert service.claims == [BUILD]


async def test_or_when_it_is_refused_but_not_while_the_service_restarts(tmp_path: Path) -> None:
    service = Service(Unavailable("It restarts."), Gone("claim: 403"), BUILD)
    await worker(tmp_path, service, Terms(leaves=True)).run()
    assert service.claims == [BUILD]


async def test_or_when_it_has_no_room_which_it_says(tmp_path: Path) -> None:
    service = Service()
    await worker(tmp_path, service, Terms(leaves=True), builder_free_disk_mb=2002).run()
    (said,) = service.short
    assert said.startswith("Builders are short of disk space")


async def test_what_is_given_up_goes_before_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up = tmp_path / f"{'a' * 64}.squashfs"
    given_up.touch()
    room = lambda _: 0 if given_up.exists() else 2001 << 20  # noqa: E731
    monkeypatch.setattr("hpcbinderhub.builds.worker.free", room)
    service = Service()
    await worker(tmp_path, service, Terms(leaves=True)).run()
    assert service.short == [""]


async def test_none_is_taken_when_the_time_would_not_do(tmp_path: Path) -> None:
    service = Service(BUILD)
    await worker(tmp_path, service, Terms(until=time.monotonic() - 1)).run()
    assert service.claims == [BUILD]


async def test_another_stays(tmp_path: Path) -> None:
    service = Service(None, BUILD, None)
    running = asyncio.ensure_future(worker(tmp_path, service).run())
    while service.claims:
        await asyncio.sleep(0.01)
        assert not running.done()
    await asyncio.wait([running], timeout=0.5)
    assert not running.done()
    running.cancel()


@pytest.mark.parametrize("stopped", [True, False])
async def test_a_build_that_fails_of_our_own_end_goes_back(stopped: bool, tmp_path: Path) -> None:
    service, stopping = Service(), asyncio.Event()
    attempt = BuildAttempt(service, "1", 30, MountedStore(tmp_path))

    async def stop_a_moment_later() -> None:
        await attempt._ended.wait()
        await asyncio.sleep(0.1)
        stopping.set()

    later = asyncio.ensure_future(stop_a_moment_later()) if stopped else None
    # It is refused by the build's process at once, and so fails.
    await attempt.run(BuildRequest.model_construct(id=""), stopping)
    assert service.ends == ["release" if stopped else "fail"]
    assert later is None or later.done()


class Base:
    """Cannot be made a number of times."""

    def __init__(self, failures: int):
        self.tries = 0
        self._failures = failures

    def __call__(self) -> Readied:
        self.tries += 1
        if self.tries <= self._failures:
            raise NotMade("The base image could not be made.", "Mend it.", detail="it said so")
        return READIED


async def test_a_base_image_that_cannot_be_made_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hpcbinderhub.builds.worker.waits", lambda: itertools.repeat(0.0))
    base, service = Base(failures=3), Service(BUILD)
    site = Site(builder_dir=str(tmp_path), artefacts=str(tmp_path))
    running = asyncio.ensure_future(Worker(site, service, base).run())
    while service.claims:
        await asyncio.sleep(0.01)
        assert not running.done()
    assert base.tries == 4
    assert caplog.text.count("Mend it.\nit said so\nIt is tried again in") == 3
    running.cancel()


def test_but_ever_more_rarely() -> None:
    assert list(itertools.islice(waits(), 7)) == [30, 60, 120, 240, 480, 600, 600]


async def test_one_that_is_stopped_meanwhile_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waits() -> Iterator[float]:
        os.kill(os.getpid(), signal.SIGTERM)
        yield 3600.0

    monkeypatch.setattr("hpcbinderhub.builds.worker.waits", waits)
    site = Site(builder_dir=str(tmp_path), artefacts=str(tmp_path))
    stopped = Worker(site, Service(), Base(failures=1))
    stopped.stop_on_signals()
    await asyncio.wait_for(stopped.run(), 60)


async def test_a_job_does_not_wait_for_it(tmp_path: Path) -> None:
    site = Site(builder_dir=str(tmp_path), artefacts=str(tmp_path))
    with pytest.raises(NotMade):
        await Worker(site, Service(), Base(failures=1), Terms(leaves=True)).run()
