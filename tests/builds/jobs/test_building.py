"""A build as a job, all the way: the service, a real Slurm, the real agent, the real builder."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from builds.conftest import DEBIAN, PROJECT, Builder, site_options
from builds.jobs.agent_as import AgentAs
from builds.jobs.own_slurm import OwnSlurm, free_ports
from hpcbinderhub.services.binder.app import make_server, stop
from hpcbinderhub.services.binder.services import Services, assemble
from repos.forge import Forge
from traitlets.config import Config

from hpcbinderhub.builds.records import Build, Order, stream
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PUBLISH = """
import json, sys
from pathlib import Path
from hpcbinderhub.images.base import BaseSettings
from hpcbinderhub.images.shared_base import shared_base
settings = BaseSettings.model_validate_json(sys.argv[1])
shared_base(settings, Path(sys.argv[2]), Path(sys.argv[3]), print)
"""


class Facility:
    """A site whose builders are jobs; its service can be restarted."""

    def __init__(self, slurm: OwnSlurm, builder: Builder, shared: Path, tmp: Path):
        self.slurm, self.builder, self.shared = slurm, builder, shared
        self.store, self.node = shared / "artefacts", shared / "node"
        (port,) = free_ports(1)
        options = site_options()
        self.common = {
            "public_url": f"http://127.0.0.1:{port}/",
            "artefacts": str(self.store),
            "base_image": DEBIAN,
            "other_base_image": DEBIAN,
            "build_environment": options["environment"],
            "build_ca_bundle": options.get("ca_bundle", ""),
            "lease_seconds": 20,
            "builder_free_disk_mb": 1,
        }
        self.port, self.tmp = port, tmp
        self._write_nodes_config()

    def _write_nodes_config(self) -> None:
        lines = [f"c.Site.{name} = {value!r}\n" for name, value in self.common.items()]
        lines.append(f"c.BuildJobs.node_storage = {str(self.node)!r}\n")
        (self.shared / "etc").mkdir()
        (self.shared / "etc" / "site.py").write_text("c = get_config()\n" + "".join(lines))
        for folder in (self.store, self.node):
            folder.mkdir()
            shutil.chown(folder, self.builder.account, pwd.getpwnam(self.builder.account).pw_gid)

    async def start(self) -> None:
        """A service on the records of the last one."""
        command = [sys.executable, "-m", "hpcbinderhub", "worker", f"--config={self.shared}/etc"]
        site = Site(
            config=Config(
                BuildJobs={
                    "user": self.builder.account,
                    "directory": str(self.shared / "jobs"),
                    "command": [*command, f"--hpcbinder={PROJECT / 'hpcbinder'}"],
                    "cpus": 2,
                }
            ),
            state_dir=str(self.tmp / "state"),
            slurm_path=self.slurm.path,
            slurm_environment=self.slurm.environment,
            watch_seconds=1,
            private_networks=["127.0.0.0/8"],
            **self.common,
        )
        cluster = Cluster(AgentAs(self.builder.account), site)
        self.services: Services = assemble(site, "http://127.0.0.1:1/", "no token", cluster)
        self.server = make_server(self.services)
        self.server.listen(self.port, "127.0.0.1")
        self.services.upkeep.start()

    async def stop(self) -> None:
        await stop(self.server, self.services)

    async def enqueue(self, forge: Forge, key: str) -> str:
        order = Order(key, forge.url, "main", forge.commit("key.txt", key), "alice")
        return (await self.services.queue.enqueue(order)).id

    async def told(self, build: str) -> list[str]:
        """What is said of a build."""
        events = await self.services.events.since(stream(build), 0)
        return [event.message for event in events]

    async def eventually(self, build: str, true: Callable[[Build, list[str]], bool]) -> Build:
        """The build, as soon as this is true of it and of what is said of it."""
        for _ in range(600):
            found = await self.services.queue.get(build)
            assert found
            told = await self.told(build)
            if true(found, told):
                return found
            assert found.state != "failed", (found.failure, told, self.logs())
            await asyncio.sleep(0.5)
        raise AssertionError((found, told, self.logs()))

    async def jobs(self) -> list[str]:
        return await asyncio.to_thread(self.slurm.jobs)

    def kill_workers(self) -> None:
        """`kill -9` of whatever runs for a job. To Slurm's own KILL there is a TERM first."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"--job={self.shared}/".encode() in (process / "cmdline").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)

    def logs(self) -> str:
        """What the jobs wrote."""
        return "\n".join(path.read_text() for path in self.shared.glob("jobs/*/job.log"))


@pytest.fixture
async def facility(
    own_slurm: OwnSlurm, builder: Builder, service_account: str, shared: Path, tmp_path: Path
) -> AsyncIterator[Facility]:
    """The base image lies in the store already: this is not about making it."""
    assert builder.account == service_account
    made = Facility(own_slurm, builder, shared, tmp_path)
    settings = json.dumps({"storage": builder.storage, **site_options()})
    arguments = (settings, str(PROJECT / "hpcbinder"), str(made.store))
    published = builder.run(sys.executable, "-c", PUBLISH, *arguments)
    assert published.returncode == 0, published.stderr
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(own_slurm.end_jobs)


async def test_a_build_becomes_an_artefact_and_nothing_is_left_behind(
    facility: Facility, forge: Forge
) -> None:
    build = await facility.enqueue(forge, "first")
    await facility.eventually(build, lambda _, told: len(told) > 1)
    (job,) = await facility.jobs()
    done = await facility.eventually(build, lambda found, _: found.state == "done")
    assert done.attempt == 1
    assert f"The build starts on own, as job {job}." in await facility.told(build)
    image = await facility.services.queue.image("first")
    assert image
    artefact = facility.store / f"{image.artefact}.squashfs"
    assert artefact.stat().st_size == image.size
    # Others read it, although the job's own files are closed.
    assert artefact.stat().st_mode & 0o444 == 0o444
    # Nothing else comes, so the job ends, and takes with it what it had.
    for _ in range(200):
        if not await facility.jobs():
            break
        await asyncio.sleep(0.5)
    assert facility.slurm.state(job) == "COMPLETED"
    assert os.listdir(facility.node) == []
    assert os.listdir(facility.shared / "jobs") == []


async def test_a_build_outlives_its_jobs_and_its_service(facility: Facility, forge: Forge) -> None:
    forge.commit("postBuild", "#!/bin/sh\necho It is postBuild now.\nsleep 800\n")
    build = await facility.enqueue(forge, "second")

    def in_post_build(times: int) -> Callable[[Build, list[str]], bool]:
        return lambda _, told: told.count("It is postBuild now.") == times

    # What it prints comes as it goes.
    await facility.eventually(build, in_post_build(1))
    (job,) = await facility.jobs()

    # Somebody more important comes: the build waits again, and the try does not count.
    options = ("--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=sleep 8")
    await asyncio.to_thread(facility.slurm.command, "sbatch", *options)
    waiting = await facility.eventually(build, lambda found, _: found.state == "queued")
    assert waiting.attempt == 0
    assert "The builder is stopping; waiting for another." in await facility.told(build)

    # Another job takes it; a service that is restarted meanwhile changes nothing.
    again = await facility.eventually(build, in_post_build(2))
    assert again.attempt == 1
    (second,) = await facility.jobs()
    assert second != job
    await facility.stop()
    await facility.start()
    await asyncio.sleep(3)
    assert await facility.jobs() == [second]

    # This one dies without a word, and loses its lease.
    await asyncio.to_thread(facility.kill_workers)
    lost = await facility.eventually(build, lambda found, _: found.worker != f"job-{second}")
    assert lost.attempt == 1
    assert "The builder was lost; waiting for another." in await facility.told(build)
    third = await facility.eventually(build, in_post_build(3))
    assert third.attempt == 2
    # What the dead one left on the node is gone.
    assert len(os.listdir(facility.node)) == 1

    # Nobody wants it any more.
    cancelled = await facility.services.queue.cancel(build, "carol")
    assert cancelled
    await facility.services.builders.dismiss(str(cancelled.worker))
    for _ in range(200):
        if not await facility.jobs():
            break
        await asyncio.sleep(0.5)
    assert await facility.jobs() == []
    assert os.listdir(facility.node) == []
