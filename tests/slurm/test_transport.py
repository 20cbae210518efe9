"""The agent over real SSH: its answers are found, and every user has a certificate of her own."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
from slurm.login_node import LoginNode

from hpcbinderhub.errors import Unavailable, UserError
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.authorities import AuthorityCommand
from hpcbinderhub.slurm.certificates import Certificates
from hpcbinderhub.slurm.cluster import Cluster, Submission
from hpcbinderhub.slurm.framing import AgentError
from hpcbinderhub.slurm.transport import SSHTransport, agents
from hpcbinderhub.slurm.transport.pool import Who

SECONDS = 60.0
"""For what takes moments, unless the machine is busy."""

SIGN = """
import sys
from pathlib import Path
from hpcbinderhub.slurm.signing import SigningPolicy, sign
policy = SigningPolicy(Path(sys.argv[1]), "agent", "127.0.0.1")
print(sign(policy, sys.stdin.read()))
"""


@pytest.fixture
async def login(tmp_path: Path) -> AsyncIterator[LoginNode]:
    node = LoginNode(tmp_path)
    await node.start()
    yield node
    await node.stop()


@pytest.fixture
async def transport(login: LoginNode) -> AsyncIterator[SSHTransport]:
    authority = AuthorityCommand([sys.executable, "-c", SIGN, str(login.folder / "authority")])
    signer = Certificates(authority, "agent")
    known = str(login.folder / "known")
    made = SSHTransport([f"127.0.0.1:{login.port}"], known, signer, "agent")
    yield made
    await made.close()


async def test_an_answer_is_found_among_what_a_shell_prints(
    login: LoginNode, transport: SSHTransport, tmp_path: Path
) -> None:
    login.greeting = "Welcome!\nYou have 3 messages"
    (tmp_path / "job.log").write_text("a line of the log\n")
    request = {"op": "tail", "directory": str(tmp_path), "file": "job.log", "bytes": 1000}
    for user in ("alice", "bob"):
        assert (await transport.call(user, request))["text"] == "a line of the log\n"
    assert login.logins == ["alice", "bob"]


async def test_what_the_agent_refuses_and_what_it_does_not_know(
    login: LoginNode, transport: SSHTransport, tmp_path: Path
) -> None:
    refused = {"op": "repository-commit", "repository": "/", "roots": [], "names": [], "path": []}
    with pytest.raises(AgentError, match="leads to somewhere else"):
        await transport.call("alice", refused)
    login.greeting = "This account is closed.\n"
    with pytest.raises(Unavailable, match="This account is closed"):
        await transport.call("alice", {"op": "nothing"})


async def test_data_of_any_size_comes_through(
    login: LoginNode, transport: SSHTransport, tmp_path: Path
) -> None:
    program = tmp_path / "agent.py"
    program.write_text(
        "import json, sys\n"
        "from hpcbinderhub.slurm.agent.basics import send\n"
        "request = json.load(sys.stdin)\n"
        "for _ in range(100): send(request, bytes(range(256)) * 192)\n"
        'print(f\'\\n{request["nonce"]} {json.dumps({"ok": {}})}\')\n'
    )
    login.command = [sys.executable, str(program)]
    login.greeting = "x" * 10_000
    data = io.BytesIO()
    assert await transport.call("alice", {}, data) == {}
    assert data.getvalue() == bytes(range(256)) * 19200


async def test_no_more_than_was_asked_for_is_kept_of_what_comes(
    login: LoginNode, transport: SSHTransport, tmp_path: Path
) -> None:
    """The limit is the hub's: what answers in the agent's place knows none."""
    program = tmp_path / "agent.py"
    program.write_text(
        "import json, sys\n"
        "from hpcbinderhub.slurm.agent.basics import send\n"
        "request = json.load(sys.stdin)\n"
        "for _ in range(100): send(request, bytes(40_000))\n"
    )
    login.command = [sys.executable, str(program)]
    cluster = Cluster(transport, Site(push_mb=1))
    data = io.BytesIO()
    with pytest.raises(Unavailable, match="More than 1 MiB came"):
        await cluster.repository_bundle("alice", "/a/repository", "0" * 40, data)
    assert len(data.getvalue()) <= 2**20


@pytest.mark.parametrize("job", ["garbage", "41,42", "41_7", "", 41, None, "٤١", "4" * 21])
async def test_an_answer_that_names_no_job_is_none(
    login: LoginNode, transport: SSHTransport, tmp_path: Path, job: object
) -> None:
    """Her shell may answer in the agent's place, and all jobs are asked about together."""
    program = tmp_path / "agent.py"
    answer = json.dumps({"ok": {"job": job, "ticket_digest": ""}})
    program.write_text(
        f"import json, sys\nprint('\\n' + json.load(sys.stdin)['nonce'], {json.dumps(answer)})\n"
    )
    login.command = [sys.executable, str(program)]
    cluster = Cluster(transport, Site())
    submission = Submission("hpcbinder-one", "/launch", (), (), "#!/bin/sh\n", {})
    with pytest.raises(UserError, match="names no job"):
        await cluster.submit("alice", submission)
    if job:
        with pytest.raises(UserError, match="names no job"):
            await cluster.find("alice", "hpcbinder-one", "/launch")


async def test_a_connection_that_died_is_made_again(
    login: LoginNode, transport: SSHTransport, tmp_path: Path
) -> None:
    request = {"op": "tail", "directory": str(tmp_path), "file": "job.log", "bytes": 1000}
    assert json.dumps(await transport.call("alice", request)) == '{"text": ""}'
    login.abort_connections()
    assert await transport.call("alice", request) == {"text": ""}
    assert login.logins == ["alice", "alice"]


async def one_waits(login: LoginNode) -> asyncssh.SSHServerProcess[str]:
    await asyncio.wait_for(login.one_waits.wait(), SECONDS)
    (waiting,) = login.waiting
    return waiting


async def test_the_next_request_finds_a_session_that_waits_for_it(
    login: LoginNode, transport: SSHTransport, tmp_path: Path
) -> None:
    request = {"op": "tail", "directory": str(tmp_path), "file": "job.log", "bytes": 1000}
    await transport.call("alice", request)
    ready = await one_waits(login)
    login.one_waits.clear()
    await transport.call("alice", request)
    assert ready is not await one_waits(login)
    assert login.logins == ["alice", "alice"]


@pytest.mark.parametrize("known", [True, False], ids=["and we know", "and nobody has heard of it"])
async def test_a_waiting_session_that_somebody_ended_keeps_nobody_waiting(
    login: LoginNode, transport: SSHTransport, tmp_path: Path, known: bool
) -> None:
    request = {"op": "tail", "directory": str(tmp_path), "file": "job.log", "bytes": 1000}
    await transport.call("alice", request)
    ready = await one_waits(login)
    ready.exit(0)
    if known:
        await ready.wait_closed()
        await asyncio.sleep(0.1)
    assert await transport.call("alice", request) == {"text": ""}
    assert login.logins == ["alice", "alice"]


async def test_one_login_node_is_asked_and_no_other(
    login: LoginNode, transport: SSHTransport, tmp_path: Path
) -> None:
    request = {"op": "tail", "directory": str(tmp_path), "file": "job.log", "bytes": 1000}
    own = f"127.0.0.1:{login.port}"
    transport = SSHTransport(
        ["127.0.0.1:1", own], str(login.folder / "known"), transport._credentials, "agent"
    )
    assert await transport.call("alice", request, host=own) == {"text": ""}
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1: "):
        await transport.call("alice", request, host="127.0.0.1:1")
    with pytest.raises(Unavailable, match="elsewhere is no login node of this site"):
        await transport.call("alice", request, host="elsewhere")
    assert login.logins == ["alice"]
    await transport.close()


async def test_who_gives_up_leaves_at_once_though_the_agent_goes_on(
    login: LoginNode, transport: SSHTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JupyterHub gives a start that is cancelled one second, and does not stop it otherwise."""
    monkeypatch.setattr(agents, "CLOSING_SECONDS", 2 * SECONDS)
    login.command = ["sleep", str(2 * SECONDS)]
    asking = asyncio.create_task(transport.call("alice", {"op": "submit"}))
    await asyncio.wait_for(login.asked.wait(), SECONDS)
    asking.cancel()
    done, _ = await asyncio.wait([asking], timeout=SECONDS)
    assert done
    assert asking.cancelled()


async def test_an_answer_is_there_before_its_session_has_ended(
    login: LoginNode, transport: SSHTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "CLOSING_SECONDS", 2 * SECONDS)
    request = {"op": "tail", "directory": str(tmp_path), "file": "job.log", "bytes": 1000}
    await transport.call("alice", request)
    login.lingers = 2 * SECONDS
    for _ in range(3):
        async with asyncio.timeout(SECONDS):
            assert await transport.call("alice", request) == {"text": ""}
    (connection,) = transport._pool._shelves[Who("alice")].kept
    # It has its place all the same.
    assert connection.sessions > 0
