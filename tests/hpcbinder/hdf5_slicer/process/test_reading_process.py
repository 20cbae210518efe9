"""The process that reads files does many things at once, may die, and never outlives its server."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.process import client as client_module
from hpcbinder.slicer.process.asked import Reply, Request
from hpcbinder.slicer.process.client import Bounds, Client
from hpcbinder.slicer.process.settings import Settings
from hpcbinder.slicer.process.starting import PREFIXES, start

MB = 1 << 20
OPERATED = Path(__file__).with_name("operated.py")
SETTINGS = Settings(
    roots=(("files", "/"),),
    cache_bytes=1 << 20,
    memory_bytes=1 << 30,
    request_bytes=1 << 24,
    answer_bytes=1 << 23,
    seconds=20.0,
    requests=4,
    decoders=1,
)


class Asking(Client):
    """With short words for what the tests do."""

    def __init__(self, settings: Settings = SETTINGS, bounds: Bounds | None = None) -> None:
        self.warned: list[str] = []
        super().__init__(
            settings,
            bounds or Bounds(100, 1 << 30),
            self.warned.append,
            functools.partial(start, [str(OPERATED)]),
        )

    async def once(self, do: str, *, view: str | None = None, turn: int = 0, **given: Any) -> Reply:
        request = Request(
            do, {name: str(value) for name, value in given.items()}, view=view, turn=turn
        )
        async with self.ask(request) as asked:
            return await asked.reply()


@pytest.fixture
async def client() -> AsyncIterator[Asking]:
    client = Asking()
    yield client
    await client.stop()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # Whoever has no parent left to ask for it stays as a zombie in a container without init.
    return ") Z " in Path(f"/proc/{pid}/stat").read_text()


def says(note: Path, word: str) -> bool:
    return note.exists() and note.read_text() == word


async def until(condition: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def test_it_is_started_at_the_first_use(client: Asking) -> None:
    assert client.pid is None
    said = json.loads((await client.once("echo", say="grüße")).body)
    assert (said["said"], said["pid"]) == ("grüße", client.pid)


async def test_no_variable_leads_hdf5_to_other_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PREFIXES:
        monkeypatch.setenv(name, "/elsewhere")
    started = start(["-c", "import os, sys; os.write(int(sys.argv[1]), str(os.environ).encode())"])
    started.process.wait(20)
    with started.connection as heard:
        assert "elsewhere" not in heard.recv(1 << 20).decode()


async def test_what_is_not_quick_steps_back_behind_what_is(client: Asking) -> None:
    nice = {}
    for quick in (True, False):
        async with client.ask(Request("echo", {"say": ""}, quick=quick)) as asked:
            nice[quick] = json.loads((await asked.reply()).body)["nice"]
    assert nice == {True: os.nice(0) + 3, False: os.nice(0) + 8}


async def test_answers_come_in_any_order(client: Asking) -> None:
    slow = asyncio.create_task(client.once("slow"))
    said = await asyncio.gather(*(client.once("echo", say=n) for n in range(50)))
    assert [json.loads(reply.body)["said"] for reply in said] == [str(n) for n in range(50)]
    assert not slow.done()
    slow.cancel()


async def test_a_megabyte_arrives_as_it_was_sent(client: Asking) -> None:
    for nbytes in (0, 1, 4096, 1 << 20, (1 << 23) - 1):
        reply = await client.once("much", bytes=nbytes)
        assert (reply.status, reply.type) == (200, "application/octet-stream")
        assert reply.body == bytes(nbytes)


async def test_more_than_one_answer_may_be_is_refused_in_words(client: Asking) -> None:
    reply = await client.once("much", bytes=(1 << 23) + 1)
    assert reply.status == 413
    assert json.loads(reply.body)["message"] == "The answer is longer than 8 MB."


async def test_refusals_and_defects_are_told_and_harm_nobody_else(client: Asking) -> None:
    refused = await client.once("refuse")
    assert (refused.status, json.loads(refused.body)["reason"]) == (403, "outside")
    failed = await client.once("fail")
    assert failed.status == 500
    assert "ZeroDivisionError: of ours" in json.loads(failed.body)["advice"]
    assert (await client.once("nonsense")).status == 404
    assert (await client.once("echo", say="still here")).status == 200


async def test_who_takes_too_much_memory_is_refused_and_the_process_lives(client: Asking) -> None:
    await client.once("echo", say="hello")
    pid = client.pid
    refused = await client.once("hoard")
    assert (refused.status, json.loads(refused.body)["reason"]) == (413, "memory")
    assert (await client.once("echo", say="hello")).status == 200
    assert client.pid == pid


async def test_a_newer_turn_ends_the_older_one_where_it_is_worked_on(
    client: Asking, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    older = asyncio.create_task(client.once("slow", view="a", turn=1, note=note))
    other = asyncio.create_task(client.once("slow", view="b", turn=1))
    await until(lambda: says(note, "begun"))
    newer = await client.once("echo", view="a", turn=2, say="newer")
    assert newer.status == 200
    dropped = await older
    assert (dropped.status, json.loads(dropped.body)["reason"]) == (409, "superseded")
    await until(lambda: says(note, "ended"))
    assert not other.done()
    other.cancel()
    # However late it comes, what is older is not wanted.
    assert (await client.once("echo", view="a", turn=1, say="late")).status == 409


async def test_who_leaves_ends_the_work(client: Asking, tmp_path: Path) -> None:
    note = tmp_path / "note"
    task = asyncio.create_task(client.once("slow", note=note))
    await until(lambda: says(note, "begun"))
    task.cancel()
    await until(lambda: says(note, "ended"))


async def test_no_picture_waits_for_what_takes_long(client: Asking) -> None:
    tasks = [asyncio.create_task(client.once("slow")) for _ in range(8)]
    async with client.ask(Request("echo", {"say": "quick"}, quick=True)) as asked:
        assert (await asyncio.wait_for(asked.reply(), 10)).status == 200
    for task in tasks:
        task.cancel()


async def test_parts_are_made_when_they_are_asked_for(client: Asking, tmp_path: Path) -> None:
    note = tmp_path / "note"
    async with client.ask(Request("many", {"parts": "3", "note": str(note)})) as asked:
        reply = await asked.reply()
        assert (reply.type, reply.more, note.exists()) == ("text/csv", True, False)
        came = []
        while reply.more:
            reply = await asked.another()
            came.append(bytes(reply.body[:1]))
            assert not reply.body or note.read_text() == str(reply.body[0])
    assert came == [b"\0", b"\1", b"\2", b""]


async def test_what_happens_is_told_until_nobody_listens(client: Asking) -> None:
    async with client.ask(Request("tick", {"times": "3"}, follow=True)) as asked:
        heard = [await asked.reply() for _ in range(4)]
    assert [json.loads(reply.body)["tick"] for reply in heard[:3]] == [0, 1, 2]
    assert [reply.more for reply in heard] == [True, True, True, False]
    assert heard[3].status == 410
    # Threads that nobody listens to are free for others.
    for _ in range(100):
        async with client.ask(Request("tick", {"times": "1000000"}, follow=True)) as asked:
            assert (await asked.reply()).status == 200


async def test_too_much_at_once_is_refused() -> None:
    client = Asking(bounds=Bounds(requests=3, bytes=1 << 20))
    tasks = [asyncio.create_task(client.once("slow")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Refusal, match="Too many pictures") as refused:
        await client.once("echo", say="one more")
    assert refused.value.status == 429
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with client.ask(Request("much", {"bytes": str(2 << 20)})) as held:
        await held.reply()
        with pytest.raises(Refusal):
            await client.once("echo", say="while a browser takes nothing")
    assert (await client.once("echo", say="now")).status == 200
    await client.stop()


async def test_what_nobody_takes_is_bounded_however_many_ask_at_once() -> None:
    client = Asking(bounds=Bounds(requests=100, bytes=8 << 20))
    async with AsyncExitStack() as stack:
        request = Request("much", {"bytes": str(3 << 20)})
        asked = [await stack.enter_async_context(client.ask(request)) for _ in range(12)]
        heard = await asyncio.gather(*(one.reply() for one in asked), return_exceptions=True)
        refused = [one.status for one in heard if isinstance(one, Refusal)]
        assert refused == [429] * 10
        # What a slider asks for is small.
        assert len((await client.once("much", bytes=100_000)).body) == 100_000
    await client.stop()


async def test_of_a_long_part_little_comes_at_a_time(client: Asking) -> None:
    async with client.ask(Request("long", {"bytes": str(5 << 19)})) as asked:
        pieces = [await asked.reply()]
        while pieces[-1].more:
            pieces.append(await asked.another())
    assert [len(piece.body) for piece in pieces] == [0, 1 << 20, 1 << 20, 1 << 19, 0]


@pytest.mark.parametrize(
    ("how", "words"), [("SIGKILL", "for want of memory"), ("SIGSEGV", "crashed")]
)
async def test_a_death_is_told_to_who_waited_and_the_next_request_finds_it_alive(
    client: Asking, how: str, words: str
) -> None:
    waiting = asyncio.create_task(client.once("slow"))
    with pytest.raises(Refusal, match=words) as told:
        await client.once("die", signal=how)
    assert (told.value.status, told.value.kind) == (503, "restarted")
    with pytest.raises(Refusal, match=words):
        await waiting
    assert (await client.once("echo", say="again")).status == 200
    assert len(client.warned) == 1


async def test_what_keeps_dying_is_not_started_for_a_while(client: Asking) -> None:
    for _ in range(client_module.DEATHS):
        with pytest.raises(Refusal, match="crashed"):
            await client.once("die", signal="SIGSEGV")
    with pytest.raises(Refusal, match="5 times within a minute"):
        await client.once("echo", say="again")


async def test_time_is_over_for_who_looks_at_it_and_for_who_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "GRACE_SECONDS", 2)
    client = Asking(Settings(**{**SETTINGS.as_dict(), "seconds": 3}))
    await client.once("echo", say="started")
    looked = await client.once("slow")
    assert (looked.status, json.loads(looked.body)["reason"]) == (504, "time")
    pid = client.pid
    with pytest.raises(Refusal, match="could not be interrupted") as told:
        await client.once("stuck")
    assert told.value.status == 504
    await until(lambda: pid is not None and gone(pid))
    assert (await client.once("echo", say="again")).status == 200
    await client.stop()


async def test_it_ends_with_its_server_however_that_ends() -> None:
    code = (
        "import asyncio, sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_reading_process import Asking\n"
        "async def main():\n"
        "    client = Asking(); await client.once('echo', say='hello')\n"
        "    stuck = asyncio.create_task(client.once('stuck'))\n"
        "    print(client.pid, flush=True); await stuck\n"
        "asyncio.run(main())"
    )
    server = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", code, str(OPERATED.parent)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    pid = int(await asyncio.to_thread(server.stdout.readline))
    assert not gone(pid)
    server.send_signal(signal.SIGKILL)
    server.wait()
    await until(lambda: gone(pid))
    with suppress(OSError):
        server.stdout.close()


@pytest.mark.slow
async def test_the_hop_costs_little_more_than_any_way_to_another_process(client: Asking) -> None:
    cat = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    assert cat.stdin is not None
    assert cat.stdout is not None

    async def to_and_fro(nbytes: int) -> None:
        cat.stdin.write(bytes(nbytes))
        await cat.stdout.readexactly(nbytes)

    async def median(once: Callable[[], Awaitable[object]]) -> float:
        taken = []
        for _ in range(200):
            begun = time.perf_counter()
            await once()
            taken.append(time.perf_counter() - begun)
        return statistics.median(taken)

    async def times_slower(nbytes: int, do: str, **given: Any) -> float:
        await client.once(do, **given)
        ours = await median(lambda: client.once(do, **given))
        floor = await median(lambda: to_and_fro(nbytes))
        print(f"{nbytes} bytes: {1e3 * ours:.2f} ms, through cat {1e3 * floor:.2f}")
        return ours / floor

    # What is little waits for a thread over there, whose turn has to come.
    assert await times_slower(60, "echo", say="hello") < 60
    assert await times_slower(MB, "much", bytes=MB) < 4
    cat.stdin.close()
    await cat.wait()
