"""OpenSSH as sites set it up, shells as users set them up, and login nodes that die."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slurm.accounts import accounts, needs_root, start_file, unused
from slurm.sshd import Signer, Site, make_key, needs_sshd

from hpcbinderhub.errors import Unavailable
from hpcbinderhub.slurm.transport import SSHTransport, ssh
from hpcbinderhub.slurm.transport.base import Patience

pytestmark = [needs_root, needs_sshd]

BASH, TCSH = unused("bash"), unused("tcsh")
HASTE = Patience(reach=3, login=20, first=8, answer=10, alive=2, idle=3, life=900, trouble=60)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with accounts(**{BASH: "/bin/bash", TCSH: "/bin/tcsh"}) as made:
        yield made


@pytest.fixture
async def site(folder: Path) -> AsyncIterator[Site]:
    made = Site(folder)
    yield made
    await made.close()
    (folder / "known").unlink(missing_ok=True)
    for home in (folder / "home").iterdir():
        for file in home.iterdir():
            file.unlink()


def tail(folder: Path) -> dict[str, Any]:
    return {"op": "tail", "directory": str(folder), "file": "job.log", "bytes": 100}


async def say(transport: SSHTransport, user: str, folder: Path, text: str) -> None:
    (folder / "job.log").write_text(text)
    assert (await transport.call(user, tail(folder)))["text"] == text


# -- shells ----------------------------------------------------------------------------------------

FAKES = 'echo "0123456789abcdef0123456789abcdef {\\"ok\\": {\\"text\\": \\"a lie\\"}}"'
KNOWS = 'read -r asked; nonce=${asked##*\\"nonce\\": \\"}; nonce=${nonce%%\\"*}'
NOISE = "head -c 5000000 /dev/urandom"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".bashrc", f"{NOISE}\n{FAKES}\ncd /nowhere; cd /; export SBATCH_TIMELIMIT=1\n"),
        (".bashrc", f"{FAKES}; echo -n 'an unfinished line'; set -e\n"),
        (".bashrc", f"{NOISE} >&2\n"),
        (".tcshrc", f"{NOISE}\n{FAKES}\ncd /\nsetenv SBATCH_TIMELIMIT 1\n"),
        (".cshrc", "alias sh echo; set path = ( /nowhere ); set noclobber\n"),
    ],
)
async def test_whatever_a_login_shell_prints_the_answer_is_found(
    site: Site, file: str, text: str
) -> None:
    user = BASH if file == ".bashrc" else TCSH
    start_file(user, file, text)
    await site.node()
    await say(site.transport(), user, site.folder, "a line of the log")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("echo This account is closed.; exit 1", "The login shell said: 'This account is closed.'"),
        ("exec 1>&-", "The login shell said nothing"),
        ("sleep 60", r"\S+'s login shell did not come up .* in 8 s. Look at its start files"),
        ("yes", "start files"),
        ("cat", "The agent gave no answer"),
        (f"{KNOWS}; echo; echo $nonce '{{1}}'", "something answered in its place"),
        (f"{KNOWS}; printf '\\n%s ' $nonce; cat /dev/zero", "something answered in its place"),
        (f"{KNOWS}; echo; yes $nonce+", "began to answer, and did not end"),
    ],
)
async def test_a_shell_that_does_not_let_the_agent_answer_is_named(
    site: Site, text: str, sentence: str
) -> None:
    start_file(BASH, ".bashrc", text + "\n")
    await site.node()
    transport = site.transport(replace(HASTE, longest=12))
    with pytest.raises(Unavailable, match=sentence):
        await transport.call(BASH, tail(site.folder))
    await say(transport, TCSH, site.folder, "and nobody else is held up")


async def test_a_shell_that_hangs_is_given_up_long_before_an_operation_is(site: Site) -> None:
    """Which may take as long as Slurm does, once the agent has said that it is there."""
    await site.node()
    transport = site.transport(replace(HASTE, first=5, answer=60))
    slow = f"{KNOWS}; printf '\n%s+\n' $nonce; sleep 7; printf '\n%s {{\"ok\": {{}}}}\n' $nonce"
    start_file(BASH, ".bashrc", slow + "\n")
    assert await transport.call(BASH, tail(site.folder)) == {}
    start_file(BASH, ".bashrc", "sleep 60\n")
    started = time.monotonic()
    with pytest.raises(Unavailable, match="login shell did not come up"):
        await transport.call(BASH, tail(site.folder))
    assert time.monotonic() - started < 30


async def test_a_command_that_the_server_forces_is_the_one_that_runs(site: Site) -> None:
    await site.node(f"ForceCommand {site.folder}/agent")
    await say(site.transport(), TCSH, site.folder, "forced by both")
    await site.nodes[0].stop()
    await site.nodes[0].start("ForceCommand echo Maintenance until noon.")
    with pytest.raises(Unavailable, match=r"Maintenance until noon|did not let"):
        await site.transport().call(TCSH, tail(site.folder))


# -- the server's limits ---------------------------------------------------------------------------


async def test_one_session_per_connection_is_enough(site: Site) -> None:
    await site.node("MaxSessions 1")
    transport = site.transport()
    (site.folder / "job.log").write_text("all the same")
    answers = await asyncio.gather(*(transport.call(BASH, tail(site.folder)) for _ in range(12)))
    assert {answer["text"] for answer in answers} == {"all the same"}
    assert site.nodes[0].log.count("Accepted") <= 3


async def test_a_server_that_drops_handshakes_gets_them_one_after_another(site: Site) -> None:
    await site.node("MaxStartups 1")
    transport = [site.transport() for _ in range(6)]
    (site.folder / "job.log").write_text("let in")
    answers = await asyncio.gather(*(one.call(BASH, tail(site.folder)) for one in transport))
    assert [answer["text"] for answer in answers] == ["let in"] * 6


# -- login nodes that die --------------------------------------------------------------------------


def slow(site: Site) -> None:
    """An agent that says the beginning of its answer, and the rest later."""
    (site.folder / "began").write_text("")
    (site.folder / "began").chmod(0o666)
    site.agent.write_text(
        f"#!/bin/sh\necho began >> {site.folder}/began\necho hello; exec sleep 60\n"
    )


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 (it is another program that makes it so)
            await asyncio.sleep(0.05)


async def begun(site: Site) -> None:
    await until(lambda: "began" in (site.folder / "began").read_text())


async def test_a_connection_that_falls_silent_is_given_up_and_another_is_made(site: Site) -> None:
    await site.node()
    transport = site.transport(replace(HASTE, alive=1, first=60))
    await say(transport, BASH, site.folder, "from the first")
    site.nodes[0].signal_connections(signal.SIGSTOP)
    started = time.monotonic()
    await say(transport, BASH, site.folder, "asked again")
    assert time.monotonic() - started < 60
    assert site.nodes[0].log.count("Accepted") == 2


async def test_what_may_be_repeated_is_asked_again_when_sshd_is_killed(site: Site) -> None:
    await site.node()
    await site.node()
    transport = site.transport(HASTE)
    agent = site.agent.read_bytes()
    (site.folder / "job.log").write_text("at last")
    slow(site)
    asked = asyncio.ensure_future(transport.call(BASH, tail(site.folder)))
    await begun(site)
    site.agent.write_bytes(agent)
    await site.nodes[0].stop()
    assert (await asked)["text"] == "at last"
    assert "Accepted" in site.nodes[1].log


async def test_what_may_not_be_repeated_is_not(site: Site) -> None:
    await site.node()
    transport = site.transport(HASTE)
    slow(site)
    removal = {"op": "delete-workspace", "root": "/", "name": "a", "force": False, "path": []}
    asked = asyncio.ensure_future(transport.call(BASH, removal))
    await begun(site)
    site.nodes[0].signal_connections(signal.SIGKILL)
    with pytest.raises(Unavailable, match="The connection to the login node broke"):
        await asked
    assert (site.folder / "began").read_text() == "began\n"


async def test_a_dead_login_node_costs_seconds_once(site: Site) -> None:
    await site.node(start=False)
    await site.node()
    tried = []

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append(writer)

    # It takes connections and says nothing, as one whose disks are gone.
    dead = await asyncio.start_server(silent, "127.0.0.1", site.nodes[0].port)
    transport = site.transport(replace(HASTE, login=8))
    started = time.monotonic()
    await say(transport, BASH, site.folder, "from the second")
    assert time.monotonic() - started > 8
    await say(transport, TCSH, site.folder, "at once")
    assert len(tried) == 1
    tried[0].close()
    dead.close()


async def test_a_login_node_that_came_back_is_used_again(site: Site) -> None:
    await site.node(start=False)
    await site.node()
    transport = site.transport(replace(HASTE, trouble=0.2))
    await say(transport, BASH, site.folder, "from the second")
    await site.nodes[0].start()
    await asyncio.sleep(0.3)
    await say(transport, TCSH, site.folder, "from the first")
    assert f"Accepted publickey for {TCSH}" in site.nodes[0].log


# -- who answers, and who is let in ----------------------------------------------------------------


async def test_a_login_node_with_another_key_is_never_spoken_to(site: Site) -> None:
    await site.node(start=False)
    make_key(site.folder / "login1")
    await site.nodes[0].start()
    with pytest.raises(
        Unavailable, match=r"the host key of 127\.0\.0\.1 is not the one that the site knows"
    ):
        await site.transport(HASTE).call(BASH, tail(site.folder))
    await site.node()
    await say(site.transport(HASTE), BASH, site.folder, "the other one is known")
    assert "Accepted" not in site.nodes[0].log


async def test_an_unknown_login_node_is_never_spoken_to(site: Site) -> None:
    await site.node()
    (site.folder / "known").write_text("")
    with pytest.raises(Unavailable, match="is not the one that the site knows"):
        await site.transport(HASTE).call(BASH, tail(site.folder))
    (site.folder / "known").unlink()
    with pytest.raises(Unavailable, match="No such file"):
        await site.transport(HASTE).call(BASH, tail(site.folder))
    assert "Accepted" not in site.nodes[0].log


async def test_who_is_not_let_in_reads_why_that_may_be(site: Site) -> None:
    await site.node()
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 did not let nobody-here in\. Either"):
        await site.transport().call("nobody-here", tail(site.folder))
    elsewhere = Signer(replace(site.signer.policy, source_addresses="192.0.2.1"))
    with pytest.raises(Unavailable, match=f"did not let {BASH} in"):
        await site.transport(authority=elsewhere).call(BASH, tail(site.folder))
    with pytest.raises(Unavailable, match="no certificate for 'root'"):
        await site.transport().call("root", tail(site.folder))


@pytest.mark.parametrize("ahead", [300, -240])
async def test_clocks_may_differ_by_minutes(site: Site, ahead: int) -> None:
    """What an authority signs whose clock is ahead of the hub's and the login node's, or behind."""
    authority = Signer(site.signer.policy, lambda: time.time() + ahead)
    await site.node()
    await say(site.transport(authority=authority), BASH, site.folder, "in time")


async def test_a_certificate_that_is_refused_is_renewed_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "SETTLED_SECONDS", 0)
    await site.node()

    class First(Signer):
        """Its first one is of no use, as if it were over already."""

        async def sign(self, user: str, public_key: str) -> str:
            address = "127.0.0.1" if self.signed else "192.0.2.1"
            self.policy = replace(self.policy, source_addresses=address)
            return await super().sign(user, public_key)

    signer = First(site.signer.policy)
    await say(site.transport(authority=signer), BASH, site.folder, "the second one is good")
    assert signer.signed == 2


# -- connections -----------------------------------------------------------------------------------


async def closed(site: Site, times: int = 1) -> None:
    await until(lambda: site.nodes[0].log.count("Disconnected from user") == times)


async def test_a_connection_is_kept_while_it_is_used_and_closed_by_itself(site: Site) -> None:
    await site.node()
    transport = site.transport(HASTE)
    for text in ("one", "two", "three"):
        await say(transport, BASH, site.folder, text)
    assert site.nodes[0].log.count("Accepted") == 1
    assert site.signer.signed == 1
    await closed(site)


async def test_a_connection_that_is_old_gets_no_more_work(site: Site) -> None:
    await site.node()
    transport = site.transport(replace(HASTE, life=0))
    await say(transport, BASH, site.folder, "one")
    await say(transport, BASH, site.folder, "two")
    assert site.nodes[0].log.count("Accepted") == 2
    await closed(site, 2)


async def test_a_stream_goes_through_the_login_node_where_that_is_allowed(site: Site) -> None:
    await site.node()
    echo = await asyncio.start_server(_echo, "127.0.0.1", 0)
    port = echo.sockets[0].getsockname()[1]
    with pytest.raises(PermissionError, match="forwards no connections"):
        await site.transport().open_stream(BASH, "127.0.0.1", port)
    signer = Signer(replace(site.signer.policy, permit_port_forwarding=True))
    transport = site.transport(replace(HASTE, idle=1), signer, forwarding=True)
    reader, writer = await transport.open_stream(BASH, "127.0.0.1", port)
    await asyncio.sleep(1.5)  # Longer than an idle connection lasts: it is in use.
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.close()
    await closed(site)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await transport.open_stream(BASH, "127.0.0.1", unused.getsockname()[1])
    echo.close()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
    writer.close()
