"""The helper that sudo permits: it becomes real accounts, and refuses all that it should."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from slurm.accounts import accounts, needs_root, unused

from hpcbinderhub.errors import Unavailable
from hpcbinderhub.site import Site
from hpcbinderhub.slurm import packing
from hpcbinderhub.slurm.agent import as_user
from hpcbinderhub.slurm.agent.as_user import REQUEST_BYTES
from hpcbinderhub.slurm.framing import AgentError
from hpcbinderhub.slurm.transport.base import Patience
from hpcbinderhub.slurm.transport.configured import transport_of
from hpcbinderhub.slurm.transport.local import LocalTransport

pytestmark = needs_root

MEMBER, OUTSIDER, CLOSED, HUB = (unused(name) for name in ("in", "out", "shut", "hub"))
GROUP = unused("users")
needs_sudo = pytest.mark.skipif(shutil.which("sudo") is None, reason="sudo is not installed here")


@dataclass(frozen=True)
class Host:
    """This host, with the helper installed on it."""

    folder: Path

    @property
    def helper(self) -> Path:
        """The program."""
        return self.folder / "as-user"

    def configure(self, text: str, mode: int = 0o644) -> None:
        """What root says of whom it may become."""
        config = self.folder / "as-user.json"
        config.write_text(text)
        config.chmod(mode)

    def refuses(self, asked: bytes | str, *arguments: str) -> str:
        """What the helper says, and that it does nothing."""
        done = subprocess.run(
            [str(self.helper), *arguments],
            input=asked if isinstance(asked, bytes) else asked.encode(),
            capture_output=True,
        )
        assert (done.returncode, done.stdout) == (1, b"")
        return done.stderr.decode()


@pytest.fixture(scope="module")
def installed() -> Iterator[Host]:
    """The program as it is packed, but for the place of its configuration."""
    shells = dict.fromkeys((MEMBER, OUTSIDER, HUB), "/bin/bash") | {CLOSED: "/usr/sbin/nologin"}
    with accounts(**shells) as folder:
        subprocess.run(["groupadd", GROUP], check=True)
        try:
            for name in (MEMBER, CLOSED, "daemon"):
                subprocess.run(["usermod", "--append", "--groups", GROUP, name], check=True)
            copy = shutil.copytree(Path(as_user.__file__).parent, folder / "source" / "agent")
            source = (copy / "as_user.py").read_text()
            (copy / "as_user.py").write_text(
                source.replace(as_user.CONFIG, f"{folder}/as-user.json")
            )
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(packing.agent, "__file__", str(copy / "__init__.py"))
                (folder / "as-user").write_bytes(packing.packed(as_user=True))
            (folder / "as-user").chmod(0o755)
            yield Host(folder)
        finally:
            subprocess.run(["gpasswd", "--delete", "daemon", GROUP], capture_output=True)
            subprocess.run(["groupdel", "--force", GROUP], check=True)


@pytest.fixture
def host(installed: Host) -> Host:
    installed.configure(json.dumps({"group": GROUP}))
    return installed


def request(user: object, **more: object) -> str:
    return json.dumps({"user": user, "request": {"op": "tail", "nonce": "7f3a", **more}})


def programs(host: Host) -> str:
    """A directory of programs, whose `sacctmgr` writes down what it runs as."""
    folder = host.folder / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "sinfo"
    program.write_text(
        "#!/bin/bash\n(id -u; id -g; id -G; pwd; umask; ls /proc/self/fd | wc -l; env | sort;"
        " cat /proc/$PPID/environ | tr '\\0' '\\n'; cat /proc/$PPID/status) 1>&2\nexit 1\n"
    )
    program.chmod(0o755)
    return str(folder)


async def test_the_agent_runs_as_the_user_and_as_nobody_else(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBATCH_TIMELIMIT", "1")
    monkeypatch.setenv("LD_PRELOAD_OF_MINE", "secret")
    transport = LocalTransport([str(host.helper)])
    question = {"op": "availability", "path": [programs(host), "/usr/bin", "/bin"], "env": {}}
    with pytest.raises(AgentError) as refusal:
        await transport.call(MEMBER, question)
    said = str(refusal.value)
    account = pwd.getpwnam(MEMBER)
    lines = said.splitlines()
    assert lines[:2] == [str(account.pw_uid), str(account.pw_gid)]
    groups = os.getgrouplist(MEMBER, account.pw_gid)
    assert sorted(map(int, lines[2].split())) == sorted(groups)
    assert lines[3:5] == ["/", "0077"]
    assert "SBATCH" not in said
    assert "secret" not in said
    assert "SUDO" not in said
    # All four numbers of the agent's own process: it can never be anybody else again.
    uids, gids = ("\t".join([str(number)] * 4) for number in (account.pw_uid, account.pw_gid))
    assert f"Uid:\t{uids}\nGid:\t{gids}\n" in said
    assert "CapEff:\t0000000000000000" in said


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("root", "is no person's account"),
        ("daemon", "is no person's account"),
        (OUTSIDER, "is not in the group"),
        (CLOSED, "may not log in"),
        ("nobody-here", "there is no account"),
        ("", "there is no account"),
        ("root\0", "there is no account"),
        (f"{MEMBER}\n", "there is no account"),
        (str(os.getuid()), "there is no account"),
        (0, "the user is a text"),
        (None, "the user is a text"),
        (["root"], "the user is a text"),
    ],
    ids=range(12),
)
def test_whom_it_never_becomes(host: Host, user: object, words: str) -> None:
    assert words in host.refuses(request(user))


def test_an_account_that_has_expired_is_nobody_until_it_is_renewed(host: Host) -> None:
    subprocess.run(["usermod", "--expiredate", "1", MEMBER], check=True)
    try:
        assert f"{MEMBER} may not log in now: " in host.refuses(request(MEMBER))
    finally:
        subprocess.run(["usermod", "--expiredate", "", MEMBER], check=True)
    done = subprocess.run([str(host.helper)], input=request(MEMBER).encode(), capture_output=True)
    assert b"may not log in" not in done.stderr


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b'{"user": "a"', "is no JSON"),
        (b"[]", "and nothing else"),
        (b'{"user": "a"}', "and nothing else"),
        (b'{"user": "a", "request": {}, "env": {}}', "and nothing else"),
        (b'{"user": "a", "request": "rm"}', "the request an object"),
        (b" " * (REQUEST_BYTES + 1), "has more than"),
        (b"[" * 100_000, "is no JSON"),
    ],
    ids=range(9),
)
def test_what_it_does_not_take(host: Host, asked: bytes, words: str) -> None:
    assert words in host.refuses(asked)


@pytest.mark.parametrize(
    ("config", "mode", "words"),
    [
        (f'{{"group": "{GROUP}"}}', 0o666, "is not root's alone to write"),
        (f'{{"group": "{GROUP}", "users": ["root"]}}', 0o644, "has other keys"),
        (f'{{"group": "{GROUP}", "min_uid": 0}}', 0o644, "no number above 0"),
        (f'{{"group": "{GROUP}", "min_uid": true}}', 0o644, "no number above 0"),
        (f'{{"group": "{GROUP}", "pam_service": "../su"}}', 0o644, "a pam_service that is no name"),
        ("{}", 0o644, "names no group"),
        ('{"group": "no-such-group"}', 0o644, "no group no-such-group"),
        ("group: all", 0o644, "cannot be read"),
        (f'{{"group": "{GROUP}", "min_uid": 4000000000}}', 0o644, "is no person's account"),
    ],
    ids=range(9),
)
def test_a_configuration_that_does_not_say_who_lets_nobody_in(
    host: Host, config: str, mode: int, words: str
) -> None:
    host.configure(config, mode)
    assert words in host.refuses(request(MEMBER))
    (host.folder / "as-user.json").unlink()
    assert "cannot be read" in host.refuses(request(MEMBER))


def test_it_takes_no_arguments_and_no_caller_but_root(host: Host) -> None:
    assert "without arguments" in host.refuses(request(MEMBER), "--help")
    done = subprocess.run(
        [str(host.helper)], input=request(MEMBER).encode(), capture_output=True, user=MEMBER
    )
    assert b"as root" in done.stderr


async def test_an_agent_that_does_not_answer(host: Host) -> None:
    silent = host.folder / "silent"
    silent.write_text("#!/bin/sh\nexec sleep 20\n")
    silent.chmod(0o755)
    transport = LocalTransport([str(silent)], Patience(first=0.5))
    with pytest.raises(Unavailable, match=r"did not answer in 0\.5 s"):
        await transport.call(MEMBER, {"op": "tail"})
    with pytest.raises(Unavailable, match="cannot be run"):
        await LocalTransport(["/nowhere/as-user"]).call(MEMBER, {"op": "tail"})


@needs_sudo
async def test_the_hubs_account_may_run_it_by_sudo_and_nothing_else(host: Host) -> None:
    rule = host.folder / "sudoers"
    documented = Path(__file__).parents[2].joinpath("docs", "admin.md").read_text()
    line = next(row.strip() for row in documented.splitlines() if "NOPASSWD" in row)
    assert line.startswith("hub ALL=(root) NOPASSWD: /usr/libexec/hpcbinderhub/as-user")
    mine = line.replace("/usr/libexec/hpcbinderhub/as-user", str(host.helper))
    rule.write_text(mine.replace("hub ", f"{HUB} ", 1) + "\n")
    rule.chmod(0o440)
    await asyncio.to_thread(subprocess.run, ["visudo", "-c", "-q", "-f", str(rule)], check=True)
    place = Path("/etc/sudoers.d") / HUB
    shutil.copy(rule, place)
    place.chmod(0o440)
    try:
        hub = ["setpriv", f"--reuid={HUB}", f"--regid={HUB}", "--init-groups"]
        site = Site(transport="local", as_user_command=[*hub, "sudo", "-n", str(host.helper)])
        transport = transport_of(site)
        (host.folder / "job.log").write_text("a line of the log")
        tail = {"op": "tail", "directory": str(host.folder), "file": "job.log", "bytes": 100}
        answers = await asyncio.gather(*(transport.call(MEMBER, tail) for _ in range(5)))
        assert {answer["text"] for answer in answers} == {"a line of the log"}
        with pytest.raises(Unavailable, match="Refused: 'root' is no person's account"):
            await transport.call("root", tail)
        for other in ([str(host.helper), "x"], ["/bin/sh"], ["-u", MEMBER, "/bin/sh"]):
            command = [*hub, "sudo", "-n", *other]
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True)
            assert done.returncode == 1
            assert b"password is required" in done.stderr
    finally:
        place.unlink()
