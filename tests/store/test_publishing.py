"""Images get into a real registry by themselves, whatever is killed or away, and leave it again."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from images.bills.bills import bill, python
from images.published import get, make_published, tags
from images.registry import running
from sqlalchemy import Connection, delete, insert

from hpcbinderhub.builds.bills import put_bill
from hpcbinderhub.builds.processes import descendants
from hpcbinderhub.database import Database
from hpcbinderhub.errors import UserError
from hpcbinderhub.images.registry.publish import withdraw
from hpcbinderhub.images.signing import make_key
from hpcbinderhub.site import Site
from hpcbinderhub.store.publishing import TRIES, Publishing
from hpcbinderhub.tables import builds, images


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("registry"), deletes=True) as host:
        yield host


class Clock:
    """Goes on when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Rig:
    """A site with a registry, and images that were built."""

    def __init__(self, folder: Path, database: Database, registry: str, **more: str):
        self.folder = folder
        self.database = database
        self.clock = Clock()
        self.site = Site(
            state_dir=str(folder / "state"),
            artefacts=str(folder / "artefacts"),
            image_registry=registry,
            image_registry_plain_http=True,
            **more,
        )
        (folder / "state").mkdir(exist_ok=True)
        self.publishing = Publishing(self.site, database, self.clock)

    async def build(self, name: str, *, made: float = 1.0, reader: str | None = None) -> str:
        """An image that a builder has just made; its artefact."""
        artefact = await asyncio.to_thread(make_published, self.folder / "artefacts", name)
        await self.database.run(add_image, name, artefact, made, reader)
        return artefact

    async def waits_for(self, artefact: str) -> asyncio.Task[None]:
        """A launch that waits for an image, and has said so."""
        waiting = asyncio.create_task(self.publishing.wait_for(artefact))
        for _ in range(6000):
            if self.publishing._wanted[artefact]:
                return waiting
            await asyncio.sleep(0.01)
        raise AssertionError("nobody waits")

    async def forget(self, artefact: str) -> None:
        await self.database.run(remove_image, artefact)


def add_image(
    connection: Connection, key: str, artefact: str, made: float, reader: str | None
) -> None:
    common = {"key": key, "repo_url": "https://example.org/r", "ref": "", "commit": "0" * 40}
    connection.execute(
        insert(builds).values(id=key, created=1.0, state="done", reader=reader, **common)
    )
    connection.execute(
        insert(images).values(key=key, artefact=artefact, size=5, build=key, made=made)
    )
    put_bill(connection, key, artefact, bill(python("six", "1.17.0")))


def remove_image(connection: Connection, artefact: str) -> None:
    connection.execute(delete(images).where(images.c.artefact == artefact))


@pytest.fixture
def rig(tmp_path: Path, database: Database, registry: str) -> Rig:
    name = tmp_path.name.replace("_", "-").replace("[", "-").replace("]", "").lower()
    return Rig(tmp_path, database, f"{registry}/{name}")


async def test_what_is_built_is_soon_there_and_what_is_given_up_is_gone(rig: Rig) -> None:
    red, green = await rig.build("red"), await rig.build("green")
    secret = await rig.build("secret", reader="alice")
    assert not await rig.publishing.has(red)
    await rig.publishing.work()
    assert {red, green} <= tags(rig.site.image_registry)
    assert secret not in tags(rig.site.image_registry)
    assert await rig.publishing.has(red)
    said = get(rig.site.image_registry, f"manifests/{red}").json()["annotations"]
    assert said["hpcbinderhub.build-pack"]

    await rig.forget(red)
    await rig.publishing.work()
    assert red not in tags(rig.site.image_registry)
    assert await rig.publishing.has(green)
    assert not any(name.endswith(".sig") for name in tags(rig.site.image_registry))


async def test_a_registry_that_is_away_gets_everything_later(
    tmp_path: Path, database: Database
) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    rig = Rig(tmp_path, database, f"127.0.0.1:{port}/images")
    artefact = await rig.build("red")
    await rig.publishing.work()
    assert "does not answer" in await rig.publishing.trouble()
    with running(tmp_path / "registry", port=port):
        await rig.publishing.work()
        assert not await rig.publishing.has(artefact), "it is not asked again at once"
        rig.clock.now += 60
        # A service that was started anew knows no less.
        await Publishing(rig.site, database, rig.clock).work()
        assert await rig.publishing.has(artefact)
    assert await rig.publishing.trouble() == ""


async def test_what_has_gone_is_no_trouble(tmp_path: Path, database: Database) -> None:
    rig = Rig(tmp_path, database, "127.0.0.1:9/images")
    artefact = await rig.build("red")
    await rig.publishing.work()
    assert await rig.publishing.trouble()
    await rig.forget(artefact)
    assert await rig.publishing.trouble() == ""


async def test_a_push_that_is_killed_leaves_no_process_and_is_made_again(rig: Rig) -> None:
    artefact = await rig.build("red")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        before = set(descendants(os.getpid()))
        stuck = Rig(rig.folder, rig.database, f"127.0.0.1:{port}/images")
        working = asyncio.create_task(stuck.publishing.work())
        # Until its process speaks to the registry.
        connection, _ = await asyncio.to_thread(silent.accept)
        assert set(descendants(os.getpid())) > before
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        connection.close()
    assert set(descendants(os.getpid())) == before
    await rig.publishing.work()
    assert await rig.publishing.has(artefact)
    assert list((rig.folder / "state" / "publishing").iterdir()) == []


async def test_what_an_admin_removed_from_the_registry_comes_back(rig: Rig) -> None:
    artefact = await rig.build("red")
    await rig.publishing.work()
    await asyncio.to_thread(withdraw, rig.publishing._door(), artefact)
    assert not await rig.publishing.has(artefact)
    await rig.publishing.work()
    assert await rig.publishing.has(artefact)


async def test_a_launch_waits_for_its_image_which_is_the_next(rig: Rig) -> None:
    old = await rig.build("old", made=1.0)
    await rig.build("new", made=2.0)
    waiting = await rig.waits_for(old)
    found = await rig.publishing._next()
    assert found is not None
    assert found.artefact == old
    assert not waiting.done()
    await rig.publishing.work()
    await asyncio.wait_for(waiting, 60)


async def test_a_launch_hears_why_its_image_cannot_get_there(
    tmp_path: Path, database: Database
) -> None:
    rig = Rig(tmp_path, database, "127.0.0.1:9/images")
    artefact = await rig.build("red")
    for tries in (1, 2):
        # As often in the background, before anybody waits.
        rig.clock.now += 3600 * tries
        await rig.publishing.work()
    waiting = await rig.waits_for(artefact)
    for _ in range(TRIES):
        assert not waiting.done()
        await rig.publishing.work()
        rig.clock.now += 3600
        await asyncio.sleep(0.1)
    with pytest.raises(UserError, match="could not be put into the site's registry") as refused:
        await asyncio.wait_for(waiting, 60)
    assert "127.0.0.1:9 does not answer" in refused.value.detail


def damage(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1] + b"x")


async def test_what_will_not_be_otherwise_is_said_at_once(rig: Rig) -> None:
    artefact = await rig.build("red")
    damage(Path(rig.site.artefacts, f"{artefact}.squashfs"))
    waiting = await rig.waits_for(artefact)
    await rig.publishing.work()
    with pytest.raises(UserError) as refused:
        await asyncio.wait_for(waiting, 60)
    assert "not the one that was built" in refused.value.detail


async def test_a_registry_that_removes_nothing_is_named_once(
    tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with running(tmp_path / "registry") as host:
        rig = Rig(tmp_path, database, f"{host}/images")
        for name in ("red", "green"):
            await rig.build(name)
        await rig.publishing.work()
        for artefact in tags(rig.site.image_registry):
            await rig.forget(artefact)
        with caplog.at_level(logging.WARNING):
            await rig.publishing.work()
            await rig.publishing.work()
    assert caplog.text.count("does not let images be removed") == 1


async def test_images_are_signed_with_the_sites_key(
    tmp_path: Path, database: Database, registry: str
) -> None:
    make_key(tmp_path / "key")
    key = str(tmp_path / "key")
    rig = Rig(tmp_path, database, f"{registry}/signed-{os.getpid()}", image_signing_key=key)
    artefact = await rig.build("red")
    await rig.publishing.work()
    signatures = [name for name in tags(rig.site.image_registry) if name.endswith(".sig")]
    assert len(signatures) == 1
    await rig.forget(artefact)
    await rig.publishing.work()
    assert tags(rig.site.image_registry) == set()


async def test_without_a_registry_a_launch_hears_that_there_is_none(
    tmp_path: Path, database: Database
) -> None:
    rig = Rig(tmp_path, database, "")
    with pytest.raises(UserError, match="the site has none"):
        await rig.publishing.has("a" * 64)
