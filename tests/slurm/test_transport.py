"""The agent over real SSH: its answers are found, and every user has a certificate of her own."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slurm.login_node import LoginNode

from hpcbinderhub.errors import Unavailable
from hpcbinderhub.slurm.authorities import AuthorityCommand
from hpcbinderhub.slurm.certificates import Certificates
from hpcbinderhub.slurm.framing import AgentError
from hpcbinderhub.slurm.transport import SSHTransport

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
    request = {"op": "tail", "directory": str(tmp_path), "bytes": 1000}
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


async def test_a_connection_that_died_is_made_again(
    login: LoginNode, transport: SSHTransport, tmp_path: Path
) -> None:
    request = {"op": "tail", "directory": str(tmp_path), "bytes": 1000}
    assert json.dumps(await transport.call("alice", request)) == '{"text": ""}'
    login.abort_connections()
    assert await transport.call("alice", request) == {"text": ""}
    assert login.logins == ["alice", "alice"]


async def test_one_login_node_is_asked_and_no_other(
    login: LoginNode, transport: SSHTransport, tmp_path: Path
) -> None:
    request = {"op": "tail", "directory": str(tmp_path), "bytes": 1000}
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
