"""A job whose image answers the hub in its start command's place.

What an image holds runs before the start command does: `/etc/profile.d`, a changed interpreter. It
reads what lies in the launch's directory, knows its job, and speaks to the hub's real handlers.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest
from hop.node import listening
from jupyterhub.spawner import SpawnException

from .calls import Answer, Calls
from .rig import SECONDS, Rig, eventually


class HostileImage:
    """Alice launched it."""

    name = "e0" * 16
    """What it calls itself in place of its start command."""

    def __init__(self, rig: Rig, calls: Calls) -> None:
        self._rig = rig
        self._calls = calls
        self.job = ""
        self.start: asyncio.Task[None]

    async def runs(self) -> None:
        """Its job has a node."""
        before = set(self._rig.slurm.jobs)
        self.start = self._rig.start("alice")
        await self._rig.submitted(len(before) + 1)
        (self.job,) = set(self._rig.slurm.jobs) - before
        self._rig.slurm.run(self.job)
        await self._rig.looked()

    async def claims(self, where: str = "alice/lab", **other: Any) -> Answer:
        """With the ticket that lies beside it."""
        return await self._calls.claim(self.job, claimant=self.name, where=where, **other)

    async def says(self, what: str, body: Any, token: str, where: str = "alice/lab") -> Answer:
        """Any of the calls of a server."""
        return await self._calls.post(f"{where}/{what}", body, token)


@pytest.fixture
async def image(rig: Rig, calls: Calls) -> HostileImage:
    """It runs on its node."""
    made = HostileImage(rig, calls)
    await made.runs()
    return made


def kept(rig: Rig, user: str) -> dict[str, Any]:
    """What the hub knows of this user's server."""
    return dict(rig.spawner(user).get_state()["job"])


async def test_one_that_claims_first_gets_its_own_launch_and_the_start_fails_in_the_open(
    rig: Rig, calls: Calls, image: HostileImage
) -> None:
    first = await image.claims()
    assert first.body["env"]["JUPYTERHUB_USER"] == "alice"
    assert first.body["content"]["url"].endswith(f"/content/{kept(rig, 'alice')['launch']}")
    assert (await calls.claim(image.job)).status == 409
    # The start command ends at this, with the job; what the image wrote as its log is words.
    rig.slurm.log(image.job, "all is well\n" * 1000 + "This launch was claimed already.\n")
    rig.slurm.end(image.job, "FAILED", "3:0")
    with pytest.raises(SpawnException) as caught:
        await image.start
    assert "exit code 3" in str(caught.value)
    assert str(caught.value).count("all is well") == 14
    # And what it has got is worth nothing any more.
    assert (await image.says("ready", {"port": 8888}, first.token)).status == 410


async def test_one_that_reports_another_port_shows_nobody_elses_server(
    rig: Rig, calls: Calls
) -> None:
    await rig.ready("bob")
    bobs = urlsplit(kept(rig, "bob")["url"]).port
    image = HostileImage(rig, calls)
    await image.runs()
    token = (await image.claims()).token
    assert (await image.says("ready", {"port": bobs}, token)).status == 200
    await eventually(lambda: kept(rig, "alice")["hop_port"])
    for _ in range(3):
        await rig.looked()
        assert not await rig.spawner("alice")._held.answers()
    assert not image.start.done()
    # Nor does whoever listens there hear anything, or pass for a server.
    heard = b""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += await reader.read(2**16)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with listening(listen, None) as other:
        await image.says("ready", {"port": other.port}, token)
        await asyncio.wait_for(other.ended.wait(), SECONDS)
        assert b"HTTP" not in heard
        assert not image.start.done()
    rig.clock.advance(400)
    with pytest.raises(SpawnException, match="JupyterLab"):
        await image.start
    assert rig.slurm.rows[image.job]["state"] == "CANCELLED"
    assert await rig.chooser("bob").poll() is None


async def test_one_that_speaks_for_another_users_server_is_refused(rig: Rig, calls: Calls) -> None:
    bobs = await rig.ready("bob")
    before = kept(rig, "bob")
    image = HostileImage(rig, calls)
    await image.runs()
    token = (await image.claims()).token
    for other in ({}, {"job": bobs}):
        assert (await image.claims("bob/lab", **other)).status == 403, other
    for what, body in (
        ("ready", {"port": 8888}),
        ("session/ending", {"why": "idle"}),
        ("session/extension", {"minutes": 5}),
    ):
        assert (await image.says(what, body, token, "bob/lab")).status == 403, what
        # A name is no path.
        assert (await image.says(what, body, token, "alice/..%2F..%2Fbob%2Flab")).status == 410
    assert kept(rig, "bob") == before


@pytest.mark.parametrize(
    "body",
    [
        {"port": 8888, "host": "bobs-node"},
        {"port": 8888, "url": "https://hub.example.org/"},
        {"port": 22},
        {"port": True},
        {"port": 8888, "notice": "two\nlines"},
        {"port": 8888, "notice": "x" * 2001},
        [8888],
        None,
    ],
)
async def test_one_that_says_more_than_a_port_changes_nothing(
    rig: Rig, image: HostileImage, body: Any
) -> None:
    token = (await image.claims()).token
    before = kept(rig, "alice")
    assert (await image.says("ready", body, token)).status == 400
    assert kept(rig, "alice") == before
