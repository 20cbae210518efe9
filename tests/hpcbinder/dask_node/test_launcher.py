"""A node's workers from their start to their end, with a real scheduler."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from distributed import Client
from distributed.security import Security
from launched import Crew, SchedulerElsewhere, alive, until


async def test_all_workers_of_a_node_connect_under_their_names_and_work(crew: Crew) -> None:
    node = await crew.node(workers=3, threads=2)
    states = crew.scheduler.workers.values()
    assert sorted(state.name for state in states) == ["123_4-0", "123_4-1", "123_4-2"]
    assert {state.nthreads for state in states} == {2}
    assert all(state.address.startswith("tls://127.0.0.1:") for state in states)
    assert await crew.client.gather(crew.client.map(pow, range(50), range(50))) == [
        number**number for number in range(50)
    ]
    # Forked: all are children of the one process that imported.
    assert {psutil.Process(pid).ppid() for pid in crew.workers().values()} == {node.pid}


async def test_what_a_task_prints_is_in_the_nodes_log_with_its_workers_name(crew: Crew) -> None:
    node = await crew.node()

    def report() -> int:
        print("half a line\nand another")
        return os.getpid()

    process = await crew.client.submit(report)
    name = {pid: name for name, pid in crew.workers().items()}[process]
    await until(lambda: "and another" in node.log)
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.search(f"^{stamp} {name}: half a line$", node.log, re.M)
    assert re.search(f"^{stamp} {name}: and another$", node.log, re.M)
    assert re.search(f"^{stamp} hpcbinder: node: All 2 workers were connected ", node.log, re.M)


async def test_workers_import_what_lies_in_the_workspace(crew: Crew) -> None:
    (crew.root / "soundings.py").write_text("def depth():\n    return 11\n")

    def use() -> int:
        import soundings

        return soundings.depth()

    await crew.node(env={"SOUNDINGS": "deep"})
    assert await crew.client.submit(use) == 11
    assert await crew.client.submit(os.getcwd) == str(crew.root)
    assert await crew.client.submit(os.getenv, "SOUNDINGS") == "deep"


@pytest.mark.parametrize(("asked", "sampled"), [(None, "100ms"), ("20ms", "20ms")])
async def test_threads_are_sampled_seldom_unless_somebody_said_how_often(
    crew: Crew, asked: str | None, sampled: str
) -> None:
    def interval() -> str:
        import dask

        return dask.config.get("distributed.worker.profile.interval")

    name = "DASK_DISTRIBUTED__WORKER__PROFILE__INTERVAL"
    await crew.node(env={name: asked} if asked else {})
    assert await crew.client.submit(interval) == sampled


async def test_tasks_can_give_tasks_to_others(crew: Crew) -> None:
    def sum_of_squares(number: int) -> int:
        from distributed import worker_client

        with worker_client() as client:
            return sum(client.gather(client.map(lambda x: x * x, range(number))))

    await crew.node()
    assert await crew.client.submit(sum_of_squares, 10) == 285


async def test_a_stop_leaves_no_process_and_waits_for_no_task(crew: Crew) -> None:
    node = await crew.node()

    def start_others() -> list[int]:
        # One that is a session of its own, as daemons are.
        return [
            subprocess.Popen(["sleep", "600"], start_new_session=new).pid for new in (False, True)
        ]

    processes = [*crew.workers().values(), *await crew.client.submit(start_others)]
    _computing = crew.client.submit(time.sleep, 600)
    await until(lambda: any(state.processing for state in crew.scheduler.workers.values()))

    began = time.monotonic()
    node.process.terminate()
    assert await node.ended() == 0
    assert not [process for process in processes if alive(process)]
    assert time.monotonic() - began < 30
    assert list(node.scratch.iterdir()) == []
    await until(lambda: not crew.workers())


async def test_a_launcher_that_is_killed_takes_its_workers_with_it(crew: Crew) -> None:
    node = await crew.node()
    processes = list(crew.workers().values())
    node.process.kill()
    await until(lambda: not any(map(alive, processes)))


async def test_a_worker_that_crashes_is_replaced_and_the_work_goes_on(crew: Crew) -> None:
    node = await crew.node()
    victim, other = crew.workers()["123_4-0"], crew.workers()["123_4-1"]
    os.kill(victim, signal.SIGSEGV)
    await until(lambda: crew.workers().get("123_4-0") not in (None, victim))
    assert crew.workers()["123_4-1"] == other
    words = rf"Worker 123_4-0 \(process {victim}\) crashed \(SIGSEGV\)\. Another one begins in"
    await until(lambda: re.search(words, node.log), explain=lambda: node.log)
    assert await crew.client.submit(pow, 3, 3) == 27


async def test_a_worker_with_too_much_memory_is_ended_and_replaced(crew: Crew) -> None:
    node = await crew.node(memory_mb=400)
    before = crew.workers()

    def swell() -> int:
        held = bytearray(600 * 2**20)
        time.sleep(600)
        return len(held)

    doomed = crew.client.submit(swell, workers=["123_4-1"], retries=0)
    await until(lambda: crew.workers().get("123_4-1") not in (None, before["123_4-1"]))
    await doomed.cancel()
    assert re.search(r"Worker 123_4-1 holds \d+ MiB of memory, and may hold 380: ", node.log)
    assert "was ended for its use of memory." in node.log
    assert crew.workers()["123_4-0"] == before["123_4-0"]


async def test_a_worker_that_the_scheduler_retires_does_not_come_back(crew: Crew) -> None:
    node = await crew.node()
    process = crew.workers()["123_4-0"]
    await crew.client.retire_workers(names=["123_4-0"], close_workers=True)
    await until(lambda: not alive(process))
    assert set(crew.workers()) == {"123_4-1"}
    assert node.process.poll() is None

    await crew.client.retire_workers(names=["123_4-1"], close_workers=True)
    assert await node.ended() == 0
    assert "All workers have gone." in node.log
    assert "Another one begins" not in node.log


async def test_a_clients_restart_gives_it_new_workers_on_the_same_node(crew: Crew) -> None:
    await crew.node()
    before = crew.workers()
    await crew.client.restart(timeout=120)
    after = crew.workers()
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    assert await crew.client.submit(pow, 2, 5) == 32


async def test_a_scheduler_that_ends_takes_all_nodes_with_it(crew: Crew) -> None:
    node = await crew.node()
    await crew.client.close()
    await crew.scheduler.close()
    assert await node.ended() == 0
    assert "All workers have gone." in node.log


async def test_before_the_end_the_work_moves_to_other_nodes(crew: Crew) -> None:
    sign = crew.root / "end-is-near-4"
    ending = await crew.node("123_4", {"sign": str(sign)})
    result = crew.client.submit(bytes, 10_000, workers=["123_4-0", "123_4-1"])
    await result
    await crew.node("123_5")
    sign.mkdir()
    assert await ending.ended() == 0
    assert not sign.exists()
    assert set(crew.workers()) == {"123_5-0", "123_5-1"}
    # It was not computed anew: what computed it has gone, and nobody else may.
    assert await result == bytes(10_000)


@pytest.mark.parametrize("told", ["signal", "clock"])
async def test_work_leaves_a_node_by_its_own_clock_and_by_slurms_signal(
    crew: Crew, told: str
) -> None:
    # The last fifth of so short a job.
    left = 30 if told == "clock" else None
    node = await crew.node(left=left, warn_seconds=60)
    if told == "signal":
        node.process.send_signal(signal.SIGUSR1)
    assert await node.ended() == 0
    assert "The end of this node's time is near" in node.log


async def test_workers_that_hear_nothing_end(crew: Crew, tmp_path: Path) -> None:
    node = await crew.node(lost_contact_seconds=5)
    processes = list(crew.workers().values())
    # As a machine that is gone: nobody says goodbye, and nobody listens any more.
    crew.scheduler.stop()
    for comm in list(crew.scheduler.stream_comms.values()):
        comm.abort()
    assert await node.ended() == 9
    assert "The scheduler has not been heard of for 5 s" in node.log
    assert not [process for process in processes if alive(process)]


async def test_workers_of_a_scheduler_that_is_there_and_silent_end(crew: Crew) -> None:
    elsewhere = SchedulerElsewhere(crew.security)
    node = crew.prepared(scheduler=elsewhere.address, lost_contact_seconds=6)
    node.begin()
    await until(lambda: "workers were connected" in node.log, explain=lambda: node.log)
    # Connections stay open: the kernel answers for it.
    elsewhere.process.send_signal(signal.SIGSTOP)
    assert await node.ended() == 9
    elsewhere.process.kill()


async def test_nobody_without_the_crews_certificate_can_speak_to_a_worker(crew: Crew) -> None:
    await crew.node()
    for state in crew.scheduler.workers.values():
        ports = {
            connection.laddr.port
            for connection in psutil.Process(state.pid).net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert ports == {int(state.address.rpartition(":")[2])}

    address = state.address
    stranger = Security.temporary()
    for security in (stranger, None):
        scheme = "tls" if security else "tcp"
        with pytest.raises((OSError, TimeoutError, asyncio.TimeoutError)):
            await Client(
                address.replace("tls", scheme), security=security, asynchronous=True, timeout=2
            )
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, port = address.removeprefix("tls://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        # TLS 1.3 has the server's refusal come after the handshake.
        await reader.readexactly(1)
    writer.close()


async def test_the_key_is_in_no_file_no_argument_and_no_environment(crew: Crew) -> None:
    key = crew.security.tls_worker_key.splitlines()[1]
    node = await crew.node()
    await crew.client.submit(print, f"somebody prints {key}")
    await until(lambda: "somebody prints [hidden]" in node.log)
    shown = [*crew.root.rglob("*")]
    for pid in (node.pid, *crew.workers().values()):
        shown += [Path("/proc", str(pid), file) for file in ("cmdline", "environ")]
    assert not [path for path in shown if path.is_file() and key.encode() in path.read_bytes()]


async def test_each_worker_has_a_gpu_of_the_jobs_own(crew: Crew) -> None:
    await crew.node(gpus=2, env={"CUDA_VISIBLE_DEVICES": "5,7"})
    found = await crew.client.run(os.getenv, "CUDA_VISIBLE_DEVICES")
    assert sorted(found.values()) == ["5", "7"]
    names = {state.name: state.resources for state in crew.scheduler.workers.values()}
    assert names == {"123_4-0": {"GPU": 1.0}, "123_4-1": {"GPU": 1.0}}


async def test_workers_that_fail_again_and_again_are_given_up(crew: Crew) -> None:
    # No such package: every worker fails as it starts.
    environment = {"DASK_DISTRIBUTED__WORKER__PRELOAD": "['no_such_package_of_anyones']"}
    launcher = crew.prepared(env=environment, workers=1)
    launcher.begin()
    assert await launcher.ended(120) == 10
    assert "No start of it came to anything" in launcher.log


async def test_a_python_that_began_in_another_environment_begins_anew(crew: Crew) -> None:
    library = crew.root / "library"
    library.mkdir()
    (library / "tides.py").write_text("HIGH = 3\n")

    def use() -> int:
        import tides

        return tides.HIGH

    await crew.node(env={"PYTHONPATH": str(library)})
    assert await crew.client.submit(use) == 3


def test_orders_of_others_are_not_followed(tmp_path: Path) -> None:
    file = tmp_path / "orders.json"
    file.write_text("{}")
    file.chmod(0o644)
    done = subprocess.run(
        [sys.executable, "-m", "hpcbinder.node", "--grant", str(file)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "The orders cannot be read (PermissionError)." in done.stderr
