"""What the proxy is told to speak to: the hub's own end of a protected way."""

from __future__ import annotations

import asyncio

from hop.node import listening
from tornado.httpclient import AsyncHTTPClient

from .rig import Rig


async def test_a_restarted_hub_opens_the_way_again_where_the_proxy_knows_it(rig: Rig) -> None:
    await rig.ready("alice")
    server = rig.user("alice").spawners["lab"].server
    address = server.url
    assert (await AsyncHTTPClient().fetch(address)).body == b"{}"
    await rig.restart()
    assert await rig.chooser().get_url() == address.rstrip("/").removesuffix(
        server.base_url.rstrip("/")
    )
    assert (await AsyncHTTPClient().fetch(address)).body == b"{}"


async def test_a_server_that_is_stopped_has_no_way_in_any_more(rig: Rig) -> None:
    await rig.ready("alice")
    port = rig.user("alice").spawners["lab"].server.port
    await rig.user("alice").stop("lab")
    try:
        await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return
    raise AssertionError


async def test_a_start_waits_for_the_server_and_takes_nobody_else_for_it(rig: Rig) -> None:
    start = rig.start("alice")
    (job,) = await rig.submitted()
    rig.slurm.run(job)
    await rig.looked()
    spawner = rig.spawner()
    grant = await spawner.claim(rig.slurm.ticket(job), job)

    tried = asyncio.Event()

    async def somebody_else(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        tried.set()

    async with listening(somebody_else, None) as stranger:
        await spawner.report_ready(grant["env"]["JUPYTERHUB_API_TOKEN"], stranger.port, "")
        async with asyncio.timeout(5):
            await tried.wait()
        assert not start.done()
    start.cancel()


async def test_a_lost_answer_is_repeated_as_it_was(rig: Rig) -> None:
    rig.start("alice")
    (job,) = await rig.submitted()
    rig.slurm.run(job)
    await rig.looked()
    ticket = rig.slurm.ticket(job)
    first, second = [await rig.spawner().claim(ticket, job) for _ in range(2)]
    assert first["tls"] == second["tls"]
    assert first["tls"]["key"].startswith("-----BEGIN PRIVATE KEY-----")
