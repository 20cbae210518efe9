"""What the proxy is told to speak to: the hub's own end of a protected way."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from doubles.slurm_in_memory import CLAIMANT
from hop.node import listening
from tornado.httpclient import AsyncHTTPClient

from .rig import SECONDS, Rig


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


async def test_a_restarted_hub_waits_for_a_server_that_is_kept_from_answering(rig: Rig) -> None:
    job = await rig.ready("alice")
    rig.node.close()
    rig.slurm.change(job, "SUSPENDED")
    await rig.restart()
    asked = asyncio.create_task(rig.chooser().get_url())
    await rig.looked()
    rig.slurm.down = True
    rig.slurm.change(job, "RUNNING")
    rig.clock.advance(600)
    await rig.looked()
    assert not asked.done()
    # One that runs and does not answer is left to JupyterHub.
    rig.slurm.down = False
    await asyncio.wait_for(asked, SECONDS)


async def test_a_restarted_hub_waits_for_no_server_that_was_stopped_meanwhile(rig: Rig) -> None:
    job = await rig.ready("alice")
    rig.node.close()
    rig.slurm.change(job, "SUSPENDED")
    await rig.restart()
    asked = asyncio.create_task(rig.chooser().get_url())
    await rig.looked()
    assert not asked.done()
    await rig.chooser().stop(now=True)
    await asyncio.wait_for(asked, SECONDS)


async def test_a_connection_stays_open_while_the_hub_is_restarted(rig: Rig) -> None:
    await rig.ready("alice")
    server = rig.user("alice").spawners["lab"].server
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    await rig.restart()
    await rig.chooser().get_url()
    writer.write(b"GET / HTTP/1.0\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_server_that_is_stopped_has_no_way_in_any_more(rig: Rig) -> None:
    await rig.ready("alice")
    port = rig.user("alice").spawners["lab"].server.port
    await rig.user("alice").stop("lab")
    await closed(port)


async def test_a_server_that_ended_while_there_was_no_hub_has_none_either(rig: Rig) -> None:
    job = await rig.ready("alice")
    port = rig.user("alice").spawners["lab"].server.port
    await rig.restart()
    rig.slurm.end(job)
    spawner = rig.spawner()
    await rig.looked()
    assert await spawner.poll() is not None
    await closed(port)


async def closed(port: int) -> None:
    """Wait until nobody answers there."""
    async with asyncio.timeout(SECONDS):
        while True:
            with suppress(ConnectionError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET / HTTP/1.0\r\n")
                answer = await reader.readline()
                writer.close()
                if answer:
                    continue
            return


async def test_a_start_waits_for_the_server_and_takes_nobody_else_for_it(rig: Rig) -> None:
    start = rig.start("alice")
    (job,) = await rig.submitted()
    rig.slurm.run(job)
    await rig.looked()
    spawner = rig.spawner()
    grant = await spawner.claim(rig.slurm.ticket(job), job, CLAIMANT)

    tried = asyncio.Event()

    async def somebody_else(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        tried.set()

    async with listening(somebody_else, None) as stranger:
        await spawner.report_ready(grant["env"]["JUPYTERHUB_API_TOKEN"], stranger.port, "")
        async with asyncio.timeout(SECONDS):
            await tried.wait()
        assert not start.done()
    start.cancel()


async def test_a_lost_answer_is_repeated_as_it_was(rig: Rig) -> None:
    rig.start("alice")
    (job,) = await rig.submitted()
    rig.slurm.run(job)
    await rig.looked()
    ticket = rig.slurm.ticket(job)
    first, second = [await rig.spawner().claim(ticket, job, CLAIMANT) for _ in range(2)]
    assert first["tls"] == second["tls"]
    assert first["tls"]["key"].startswith("-----BEGIN PRIVATE KEY-----")
