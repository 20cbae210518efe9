"""Servers on a login node: this machine's, with the real agent and real processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from doubles.slurm_in_memory import CLAIMANT
from hpcbinderhub.spawners import LoginNodeSpawner
from hpcbinderhub.spawners.callback import Claim
from jupyterhub.spawner import SpawnException
from pydantic import ValidationError
from service.agent_here import AgentHere

from hpcbinderhub.errors import NotAllowed, Unavailable

from .rig import Rig, eventually

pytestmark = pytest.mark.slow

HOST = "127.0.0.1"
PROFILE = {"name": "small", "title": "Small", "spawner": "login", "memory_mb": 1024}


class LoginNode(AgentHere):
    """A transport to this machine, which is one login node or another."""

    def __init__(self, home: Path):
        super().__init__()
        self.home = home
        self.hosts: list[str] = []
        """Which login node was asked to start something, or about it."""

        self.down: set[str] = set()
        self.loses = ""
        """The operation of which the next answer does not arrive."""

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None, host: str = ""
    ) -> dict[str, Any]:
        if request["op"] == "whoami":
            row = {"account": "physics", "partition": "", "qos": "normal", "default_qos": ""}
            account = {"user": user, "uid": os.getuid(), "home": str(self.home)}
            return {**account, "groups": [], "associations": [row], "default_account": "physics"}
        if host:
            self.hosts.append(host)
        if host in self.down:
            raise Unavailable(f"{host}: no route to host")
        answer = await super().call(user, request, data)
        if self.loses == request["op"]:
            self.loses = ""
            raise Unavailable("The connection to the login node broke.")
        return answer


class Site:
    """A hub with one profile, whose servers run here."""

    def __init__(self, rig: Rig, node: LoginNode):
        self.rig, self.node = rig, node

    def runs(self, script: str, hosts: tuple[str, ...] = (HOST,), **profile: Any) -> None:
        """What comes in the engine's place."""
        profiles = [PROFILE | profile]
        self.rig.configure(profiles=profiles, login_hosts=list(hosts), job_prologue=script)

    @property
    def spawner(self) -> LoginNodeSpawner:
        spawner = self.rig.spawner()
        assert isinstance(spawner, LoginNodeSpawner)
        return spawner

    @property
    def run(self) -> dict[str, Any]:
        """The record of the one server."""
        return dict(self.spawner.get_state()["run"])

    @property
    def folder(self) -> Path:
        return Path(self.spawner.get_state()["job"]["directory"])

    async def started(self) -> None:
        """Wait until the hub knows which process it is."""
        await eventually(lambda: self.rig.facility.login_servers._known)
        await eventually(lambda: "run" in self.spawner.get_state())

    async def answer(self) -> None:
        """What the server does: it claims, and says where it listens."""
        await self.started()
        ticket = json.loads((self.folder / "claim.json").read_text())["ticket"]
        grant = await self.spawner.claim(ticket, self.run["id"], CLAIMANT)
        token = grant["env"]["JUPYTERHUB_API_TOKEN"]
        port = await self.rig.node.serve(grant["tls"])
        await self.spawner.report_ready(token, port, "")

    async def ready(self, **options: Any) -> None:
        start = self.rig.start(**options)
        await self.answer()
        await start

    def pids(self, number: int) -> Callable[[], bool]:
        """Whether so many processes have said who they are."""
        return lambda: (
            (self.folder / "pids").exists()
            and len((self.folder / "pids").read_text().split()) == number
        )


@pytest.fixture
async def site(rig: Rig, tmp_path: Path) -> AsyncIterator[Site]:
    node = LoginNode(tmp_path)
    rig.slurm = node  # type: ignore[assignment]
    made = Site(rig, node)
    made.runs("echo $$ >> pids; exec sleep 300")
    yield made
    node.down = set()
    servers = rig.facility.login_servers
    for run in list(servers._known):
        await servers.cancel(run.owner, run.job)
    await rig.facility.login_watcher.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_server_starts_on_a_login_node_and_ends_with_all_that_it_started(
    site: Site,
) -> None:
    site.runs("echo $$ >> pids; (env -i setsid bash -c 'echo $$ >> pids; sleep 300' &); sleep 300")
    await site.ready()
    assert await site.rig.chooser().poll() is None
    record = site.spawner.get_state()["job"]
    assert site.rig.user("alice").spawners["lab"].server.port == record["hop_port"]
    await eventually(site.pids(2))
    pids = [int(word) for word in (site.folder / "pids").read_text().split()]
    await site.rig.user("alice").stop("lab")
    await eventually(lambda: not [pid for pid in pids if alive(pid)])
    assert not site.rig.facility.login_servers._known


async def test_a_hub_that_was_killed_finds_the_same_process(site: Site) -> None:
    await site.ready()
    run = site.run
    await site.rig.restart()
    assert await site.rig.chooser().poll() is None
    await site.rig.facility.login_watcher.fresh(run["id"], "alice")
    assert await site.rig.chooser().poll() is None
    assert site.run == run
    os.kill(run["pid"], signal.SIGKILL)
    await eventually(lambda: not alive(run["pid"]))
    await site.rig.facility.login_watcher.fresh(run["id"], "alice")
    assert await site.rig.chooser().poll() == 1


async def test_a_lost_answer_starts_no_second_server(site: Site) -> None:
    site.node.loses = "serve"
    await site.ready()
    assert site.node.hosts.count(HOST) > 1
    await eventually(site.pids(1))


async def test_another_login_node_takes_what_one_cannot(site: Site) -> None:
    site.runs("exec sleep 300", hosts=("localhost", HOST))
    site.node.down = {"localhost"}
    await site.ready()
    asked_first = site.node.hosts.index(HOST)
    assert site.run["address"] == HOST
    # From there on it is asked about where it runs.
    assert set(site.node.hosts[asked_first:]) == {HOST}


async def test_what_ends_before_it_answers_says_why(site: Site) -> None:
    site.runs("echo ch-run: no such image; exit 3")
    with pytest.raises(SpawnException) as caught:
        await site.rig.start()
    assert "ch-run: no such image" in str(caught.value)
    assert "failed with exit code 3" in str(caught.value)


async def test_a_login_node_that_does_not_answer_has_lost_nothing(site: Site) -> None:
    await site.ready()
    site.node.down = {HOST}
    await site.rig.facility.login_watcher.fresh(site.run["id"], "alice", timeout=1)
    assert await site.rig.chooser().poll() is None


async def test_a_ticket_is_for_the_run_that_was_started(site: Site) -> None:
    site.rig.start()
    await site.started()
    ticket = json.loads((site.folder / "claim.json").read_text())["ticket"]
    with pytest.raises(NotAllowed, match="another job"):
        await site.spawner.claim(ticket, "0" * 32, CLAIMANT)
    with pytest.raises(ValidationError):
        Claim(ticket=ticket, job="../../etc/passwd")
    assert Claim(ticket=ticket, job=site.run["id"])


def command_lines() -> bytes:
    found = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += path.read_bytes()
    return found


async def test_nothing_secret_is_in_a_command_line_or_for_others_to_read(site: Site) -> None:
    await site.ready()
    ticket = json.loads((site.folder / "claim.json").read_text())["ticket"]
    for secret in (ticket, site.spawner.handed_out_token):
        assert secret
        assert secret.encode() not in command_lines()
    for name in ("claim.json", "run", "job.log"):
        assert (site.folder / name).stat().st_mode & 0o077 == 0


async def test_a_profile_that_is_now_another_kind_leaves_no_server_behind(site: Site) -> None:
    await site.ready()
    pid = site.run["pid"]
    chooser = site.rig.chooser()
    await chooser._end_what_another_runs("charliecloud")
    await eventually(lambda: not alive(pid))


async def test_on_the_hubs_own_host_alone(site: Site) -> None:
    site.runs("exec sleep 300", spawner="local")
    with pytest.raises(SpawnException, match="on the hub's own host"):
        await site.rig.start()
    site.rig.configure(transport="local")
    await site.ready()
    assert site.spawner._held.seen().node == socket.gethostname()


async def test_a_profile_that_is_unknown_or_not_for_her_starts_nothing(site: Site) -> None:
    site.runs("exec sleep 300", groups=["operators"])
    for name in ("small", "other"):
        with pytest.raises(SpawnException, match="There is no profile"):
            await site.rig.start(profile=name)
    assert site.node.hosts == []
