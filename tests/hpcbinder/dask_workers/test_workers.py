"""Workers as a scientist has them: a real scheduler, real workers, and the service's contract."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from doubles.crews_service import CrewsService
from doubles.worker_node import ProcessNodes
from waiting import Kernel, until, until_async

from hpcbinder.workers import Workers
from hpcbinder.workers.errors import NotYet, WorkersError


def test_one_line_one_submission_and_a_plain_client(
    service: CrewsService, nodes: ProcessNodes, capsys: pytest.CaptureFixture[str]
) -> None:
    with Workers(4, name="first") as workers:
        workers.wait(timeout=60)
        client = workers.client()
        assert client.gather(client.map(lambda x: x * x, range(10)))[-1] == 81
        assert workers.client() is client
        assert service.crew("first")["submissions"] == 1
        assert repr(workers) == "<Workers first: 4 asked for, 4 connected>"
        assert "101_1        c1           running" in str(workers)
        assert workers.scheduler_address.startswith("tls://")
        folder = os.environ["HPCBINDER_WORKERS_FOLDER"]
        assert os.stat(f"{folder}/first").st_mode & 0o777 == 0o700
        assert os.stat(f"{folder}/first/dashboard.sock").st_mode & 0o777 == 0o600
    assert service.closed == [("first", "closed")]
    assert not nodes.left()
    assert not os.listdir(folder)
    # Nothing was said that nobody asked for.
    assert capsys.readouterr().out == ""


def test_nobody_without_the_keys_gets_in(service: CrewsService) -> None:
    from distributed import Client
    from distributed.security import Security

    with Workers(0) as workers:
        with pytest.raises(OSError, match="TLS certificate does not match"):
            Client(workers.scheduler_address, security=Security.temporary(), timeout=60)
        with pytest.raises(OSError, match=r"(?i)timed out|ssl|closed|connect"):
            Client(workers.scheduler_address.replace("tls", "tcp"), timeout=2)


def test_growing_is_one_submission_and_shrinking_takes_what_waits(service: CrewsService) -> None:
    with Workers(2, name="some") as workers:
        workers.wait(timeout=60)
        service.held = True
        workers.scale(8)
        assert service.crew("some")["submissions"] == 2
        assert repr(workers).endswith("8 asked for, 2 connected, 6 pending (Waits for free nodes)>")
        with pytest.raises(NotYet, match="8 workers were waited for: 8 asked for, 2 connected"):
            workers.wait(timeout=0.2)
        workers.scale(4)
        assert [sorted(batch) for batch in service.cancelled] == [["102_1", "102_2"]]
        service.run_nodes("some")
        workers.wait(timeout=60)
        # Nothing waits now, so an idle node goes, by its id.
        client = workers.client()
        kept = client.submit(pow, 2, 10)
        assert kept.result() == 1024
        workers.scale(2)
        assert len(service.cancelled) == 2
        assert len(service.cancelled[1]) == 1
        assert kept.result() == 1024
        assert service.crew("some")["wanted_workers"] == 2


def test_more_than_the_profile_has_is_refused_with_its_words(service: CrewsService) -> None:
    with pytest.raises(WorkersError, match="at most 8 nodes") as refused:
        Workers(40)
    assert refused.value.advice == "Ask for fewer workers."
    assert not os.listdir(os.environ["HPCBINDER_WORKERS_FOLDER"])


def test_slurms_refusal_is_shown_and_nothing_is_left(service: CrewsService) -> None:
    service.refused_by = "sbatch: error: QOSMaxSubmitJobPerUserLimit"
    with pytest.raises(WorkersError) as refused:
        Workers(4)
    assert str(refused.value).splitlines() == [
        "Slurm refused to start these workers.",
        "Ask for fewer, or choose another account.",
        "sbatch: error: QOSMaxSubmitJobPerUserLimit",
    ]
    assert not os.listdir(os.environ["HPCBINDER_WORKERS_FOLDER"])


def test_what_was_asked_for_is_closed_where_no_scheduler_can_start(
    service: CrewsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpcbinder.workers.beside.sys.executable", "/nowhere/python")
    with pytest.raises(WorkersError, match="/nowhere/python"):
        Workers(1)
    assert len(service.closed) == 1


def test_a_refused_growth_is_said_and_takes_nothing_away(
    service: CrewsService, capsys: pytest.CaptureFixture[str]
) -> None:
    with Workers(2) as workers:
        workers.wait(timeout=60)
        service.refused_by = "sbatch: error: QOSMaxSubmitJobPerUserLimit"
        workers.scale(4)
        assert "QOSMaxSubmitJobPerUserLimit" in capsys.readouterr().out
        assert workers.client().submit(int, "3").result() == 3


def test_no_such_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HPCBINDER_CREWS_URL", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(WorkersError, match="nobody here who can submit"):
        Workers(1)


async def test_in_an_event_loop_nothing_blocks(service: CrewsService) -> None:
    async with Workers(2, asynchronous=True) as workers:
        await workers.wait(timeout=60)
        async with workers.client() as client:
            assert await client.submit(pow, 2, 3) == 8
        await workers.scale(4)
        await until_async(lambda: len(workers.scheduler_info["workers"]) == 4)
    assert len(service.closed) == 1


def test_as_many_as_the_work_needs_by_whole_nodes(service: CrewsService) -> None:
    with Workers.adapt(0, 5, name="some") as workers:
        workers.adapt(0, 5, interval="100ms", target_duration="100ms", wait_count=3)
        naps = workers.client().map(lambda _: time.sleep(0.1), range(60), pure=False)
        asked = set()
        while not all(nap.done() for nap in naps):
            asked.add(len(service.crew("some")["nodes"]))
            time.sleep(0.05)
        assert {nap.status for nap in naps} == {"finished"}
        # Five workers are at most two nodes of two.
        assert max(asked) == 2
        del naps  # Somebody must keep what is still asked for.
        until(lambda: service.crew("some")["wanted_workers"] == 0)


def test_a_node_that_dies_costs_no_result(service: CrewsService, nodes: ProcessNodes) -> None:
    with Workers(4) as workers:
        workers.wait(timeout=60)
        client = workers.client()
        squares = client.map(lambda x: time.sleep(0.05) or x * x, range(40))
        until(lambda: sum(future.done() for future in squares) > 4)
        nodes.kill("101_0")
        assert client.gather(squares) == [number * number for number in range(40)]


def test_a_scheduler_that_is_killed_is_a_clear_end(
    service: CrewsService, nodes: ProcessNodes, capsys: pytest.CaptureFixture[str]
) -> None:
    workers = Workers(2, name="some")
    workers.wait(timeout=60)
    client = workers.client()
    future = client.submit(time.sleep, 600)
    os.kill(workers._process.pid, signal.SIGKILL)
    until(lambda: workers.status.name == "closed")
    assert service.closed == [("some", "scheduler")]
    assert not nodes.left()
    assert "has ended (signal 9)" in capsys.readouterr().out
    with pytest.raises(WorkersError, match="signal 9"):
        workers.scale(4)
    with pytest.raises(WorkersError, match="signal 9"):
        workers.client()
    assert future.status in ("cancelled", "lost")


MADE = """
import time
from hpcbinder import Workers
workers = Workers(2, name="some", keep={keep})
workers.wait(timeout=60)
print(workers.client().submit(pow, 2, 5, key="kept").result(), flush=True)
time.sleep(600)
"""


def test_when_the_kernel_is_gone_its_workers_go(service: CrewsService, nodes: ProcessNodes) -> None:
    kernel = Kernel(MADE.format(keep=False))
    assert kernel.says() == "32"
    kernel.kill()
    until(lambda: service.closed and not nodes.left())
    assert service.closed == [("some", "kernel")]


def test_kept_workers_are_there_for_the_next_kernel(
    service: CrewsService, nodes: ProcessNodes
) -> None:
    kernel = Kernel(MADE.format(keep=True))
    assert kernel.says() == "32"
    kernel.kill()
    assert repr(Workers.list()) == (
        "some: 2 workers asked for, 1 of 1 node running, kept (CPU nodes)"
    )
    workers = Workers.attach("some")
    assert not service.closed
    assert len(workers.scheduler_info["workers"]) == 2
    assert workers.client().submit(pow, 2, 6).result() == 64
    workers.close()
    assert service.closed[0] == ("some", "closed")
    assert not nodes.left()
    with pytest.raises(WorkersError, match="There are these: none"):
        Workers.attach("some")


def test_workers_that_nobody_uses_end_and_say_so(
    service: CrewsService, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = Workers(1, name="some", idle="2s")
    workers.wait(timeout=60)
    until(lambda: workers.status.name == "closed")
    assert service.closed == [("some", "idle")]
    assert "Nothing has run on “some” for" in capsys.readouterr().out


def test_closed_from_elsewhere_is_told(
    service: CrewsService, capsys: pytest.CaptureFixture[str]
) -> None:
    workers = Workers(1, name="some")
    service.within(lambda: service.close(service._named("some"), "server"))
    until(lambda: workers.status.name == "closed")
    assert "“some” is closed." in capsys.readouterr().out


def test_a_service_that_restarts_costs_nothing(service: CrewsService) -> None:
    with Workers(2, name="some") as workers:
        workers.wait(timeout=60)
        service.stop()
        until(lambda: "may be old" in str(workers))
        assert workers.client().submit(pow, 2, 3).result() == 8
        service.start()
        service.say("some", "101_0", words="The node is drained.")
        until(lambda: "The node is drained." in str(workers))
        assert "may be old" not in str(workers)
        workers.scale(4)
        workers.wait(timeout=60)


def test_a_poll_that_breaks_off_is_asked_again(service: CrewsService) -> None:
    service.broken_polls = 3
    with Workers(2, name="some") as workers:
        service.say("some", "101_0", words="Its node ends soon.")
        until(lambda: "Its node ends soon." in str(workers))
        assert service.broken_polls == 0


def test_what_has_ended_is_not_waited_for(service: CrewsService) -> None:
    service.held = True
    with Workers(2, name="some") as workers:
        service.say("some", "101_0", state="ended", words="Slurm ended it: NODE_FAIL.")
        with pytest.raises(WorkersError, match="Of “some”, no node is left: Slurm ended it"):
            workers.wait(timeout=60)
        assert workers.logs()["Node 101_0"] == "what 101_0 printed"
    with Workers(4, name="some") as workers:
        service.say("some", "102_1", state="ended", words="Slurm ended it: NODE_FAIL.")
        with pytest.raises(WorkersError, match="nodes for 2 of 4 workers are left: Slurm"):
            workers.wait(timeout=60)


def test_what_needs_nannies_is_refused_with_what_to_do(
    service: CrewsService, tmp_path: Path
) -> None:
    from distributed.diagnostics.plugin import Environ, UploadDirectory, UploadFile

    (tmp_path / "tides.py").write_text("high = 7")
    with Workers(1) as workers:
        client = workers.client()
        client.register_plugin(UploadFile(str(tmp_path / "tides.py")))
        assert client.submit(lambda: __import__("tides").high).result(timeout=60) == 7
        for plugin in (Environ({"A": "1"}), UploadDirectory(Path(__file__).parent)):
            with pytest.raises(WorkersError, match=r"have no nannies.*\n.*a WorkerPlugin"):
                client.register_plugin(plugin)


def test_attaching_to_a_scheduler_that_is_gone_ends_nothing(
    service: CrewsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpcbinder.workers.cluster.CONNECT_SECONDS", 1)
    crew = service.within(service.create, {"name": "some", "nodes": 0, "keep": True})
    with pytest.raises(WorkersError, match="has no scheduler yet"):
        Workers.attach("some")
    service.within(service.change, service.crews[crew["id"]], {"scheduler": "tls://127.0.0.1:1"})
    with pytest.raises(WorkersError, match="The scheduler of “some” does not answer"):
        Workers.attach("some")
    assert not service.closed
    Workers.end("some")
    assert service.closed == [("some", "closed")]


def test_whoever_runs_a_cell_again_is_told_of_what_goes_on(
    service: CrewsService, capsys: pytest.CaptureFixture[str]
) -> None:
    with Workers(0, name="first"):
        assert capsys.readouterr().out == ""
        with Workers(0, name="second"):
            said = "Still open beside “second”: “first”, closed by Workers.end('first')\n"
            assert capsys.readouterr().out == said
        with pytest.raises(WorkersError, match="already"):
            Workers(0, name="first")
        # Nor does it take anything from the first.
        assert os.listdir(os.environ["HPCBINDER_WORKERS_FOLDER"]) == ["first"]


def test_where_no_socket_can_be_there_is_no_dashboard_and_all_else(
    service: CrewsService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setenv("HPCBINDER_WORKERS_FOLDER", str(deep))
    with Workers(1, name="some") as workers:
        assert workers.client().submit(pow, 2, 3).result() == 8
        assert not (deep / "some" / "dashboard.sock").exists()
        assert "There is no dashboard" in (deep / "some" / "scheduler.log").read_text()
