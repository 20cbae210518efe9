"""A store that is only reached over SSH."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncssh
import pytest
from slurm.login_node import LoginNode

from hpcbinderhub.builds.request import Artefact
from hpcbinderhub.errors import Unavailable, UserError
from hpcbinderhub.images.store import artefact_folder
from hpcbinderhub.slurm.certificates import KeyFile
from hpcbinderhub.slurm.transport import SSHTransport
from hpcbinderhub.store import distant
from hpcbinderhub.store.delivery import StagedStore
from hpcbinderhub.store.distant import DistantStore
from hpcbinderhub.store.files import ENDINGS

CONTENT = bytes(range(256)) * 4096


@pytest.fixture
async def login(tmp_path: Path) -> AsyncIterator[LoginNode]:
    node = LoginNode(tmp_path)
    await node.start()
    yield node
    await node.stop()


@pytest.fixture
async def transport(login: LoginNode) -> AsyncIterator[SSHTransport]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(login.folder / "builder-key")
    with (login.folder / "authorized").open("a") as authorized:
        authorized.write(key.export_public_key().decode())
    known, keys = str(login.folder / "known"), KeyFile(login.folder / "builder-key")
    made = SSHTransport([f"127.0.0.1:{login.port}"], known, keys, "agent")
    yield made
    await made.close()


@pytest.fixture
def far(tmp_path: Path) -> Path:
    """The store, at the other end."""
    (tmp_path / "far").mkdir()
    return tmp_path / "far"


@pytest.fixture
def store(
    login: LoginNode, transport: SSHTransport, far: Path, monkeypatch: pytest.MonkeyPatch
) -> DistantStore:
    monkeypatch.setattr(distant, "PIECE", 400_000)
    monkeypatch.setattr(distant, "PAUSE", 0.01)
    login.command += ["artefacts", str(far)]
    return DistantStore(transport, "binder", str(far))


@pytest.fixture
def artefact(tmp_path: Path) -> Artefact:
    """One that was just made."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    path = tmp_path / f"{digest}.squashfs"
    path.write_bytes(CONTENT)
    path.with_suffix(".json").write_text('{"key": "k"}')
    path.with_suffix(".cdx.json").write_text('{"bomFormat": "CycloneDX"}')
    path.with_suffix(".sig").write_text("signed")
    return Artefact(path=path, sha256=digest, size=len(CONTENT))


class Told:
    """Remembers what it is told about the progress."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    async def __call__(self, there: int, size: int) -> None:
        assert size == len(CONTENT)
        self.steps.append(there)


def there(folder: Path, artefact: Artefact) -> bool:
    """Whether an artefact is whole and alone in a folder."""
    names = {path.name for path in folder.iterdir() if path.is_file()}
    names -= {f".partial-sent-{artefact.sha256}"}
    assert names <= {f"{artefact.sha256}.{ending}" for ending in ENDINGS}, names
    return len(names) == len(ENDINGS) and (folder / artefact.path.name).read_bytes() == CONTENT


async def test_an_artefact_is_sent_once(
    store: DistantStore, far: Path, artefact: Artefact, login: LoginNode
) -> None:
    told = Told()
    await store.send(artefact, None, told)
    assert there(far, artefact)
    assert (far / artefact.path.name).stat().st_mode & 0o777 == 0o644
    assert json.loads((far / f"{artefact.sha256}.json").read_text()) == {"key": "k"}
    bill = json.loads((far / f"{artefact.sha256}.cdx.json").read_text())
    assert bill == {"bomFormat": "CycloneDX"}
    assert told.steps == [0, 400_000, 800_000, len(CONTENT)]
    await store.send(artefact, None, told)
    assert set(login.logins) == {"binder"}
    assert len(told.steps) == 4, "what is there already is not sent again"


async def test_what_is_one_readers_stays_hers(
    store: DistantStore, far: Path, artefact: Artefact
) -> None:
    await store.send(artefact, 2001, Told())
    folder = artefact_folder(far, 2001)
    assert there(folder, artefact)
    rights = os.getxattr(folder / artefact.path.name, "system.posix_acl_access")
    assert struct.pack("<HHI", 2, 5, 2001) in rights
    await store.remove(artefact.sha256)
    assert list(folder.iterdir()) == []
    await store.remove(artefact.sha256)


@pytest.mark.parametrize("request_number", range(1, 7))
async def test_a_connection_may_break_at_any_request(
    store: DistantStore, far: Path, artefact: Artefact, login: LoginNode, request_number: int
) -> None:
    login.breaks_at = request_number
    await store.send(artefact, None, Told())
    assert there(far, artefact)


async def test_a_transfer_goes_on_where_another_worker_left_it(
    store: DistantStore, far: Path, artefact: Artefact
) -> None:
    (far / f".partial-sent-{artefact.sha256}").write_bytes(CONTENT[:512_345])
    told = Told()
    await store.send(artefact, None, told)
    assert there(far, artefact)
    assert told.steps[0] == 512_345


async def test_what_came_as_something_else_gets_no_name(
    store: DistantStore, far: Path, artefact: Artefact
) -> None:
    (far / f".partial-sent-{artefact.sha256}").write_bytes(b"x" * 500_000)
    with pytest.raises(UserError, match="What came is not what was sent"):
        await store.send(artefact, None, Told())
    assert not there(far, artefact)
    await store.send(artefact, None, Told())
    assert there(far, artefact)


async def test_a_far_end_that_goes_away_is_given_up(
    store: DistantStore, far: Path, artefact: Artefact, login: LoginNode
) -> None:
    login.command = ["false"]
    with pytest.raises(Unavailable):
        await store.send(artefact, None, Told())


@pytest.fixture
def small(far: Path) -> Iterator[Path]:
    """The store, with room for very little."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", far]).returncode != 0:
        pytest.skip("no file system of a given size can be made here")
    yield far
    subprocess.run(["umount", far], check=True)


async def test_a_store_that_is_full_says_so(
    store: DistantStore, small: Path, artefact: Artefact
) -> None:
    assert await store.free() <= 65536
    with pytest.raises(UserError, match="No space left"):
        await store.send(artefact, None, Told())
    assert not there(small, artefact)


def left(folder: Path, name: str, age: float) -> str:
    """A file of a transfer that ended some seconds ago."""
    path = folder / f".partial-sent-{name}"
    path.write_text("x")
    os.utime(path, (time.time() - age,) * 2)
    return str(path)


def gone(path: str) -> bool:
    """Whether a file is not there any more."""
    return not os.path.exists(path)


async def test_transfers_that_nobody_goes_on_with_are_removed(
    store: DistantStore, far: Path, artefact: Artefact
) -> None:
    old, young = left(far, "old", 2 * 86400), left(far, "young", 60)
    await store.send(artefact, None, Told())
    assert gone(old)
    assert not gone(young)
    older = left(far, "older", 2 * 86400)
    lonely = far / f"{'a' * 64}.cdx.json"
    lonely.touch()
    os.utime(lonely, (0, 0))
    await store.tidy()
    assert gone(older)
    assert gone(str(lonely))
    assert (far / artefact.path.name).exists()
    assert not gone(young)


async def test_only_artefacts_are_removed(store: DistantStore, far: Path) -> None:
    (far / "important").write_text("x")
    for name in ("important", "../far/important", "a" * 63):
        with pytest.raises(OSError, match="is no artefact's name"):
            await store.remove(name)
    assert (far / "important").exists()


async def test_a_builder_tells_how_far_it_is_and_keeps_nothing(
    store: DistantStore, far: Path, artefact: Artefact
) -> None:
    lines: list[str] = []
    await StagedStore(artefact.path.parent, store).deliver(artefact, None, lines.append)
    assert there(far, artefact)
    assert lines[0] == "Sending the artefact: 0 of 1 MB"
    assert len(lines) == 4
    assert gone(str(artefact.path))
    assert gone(str(artefact.path.with_suffix(".json")))
    assert gone(str(artefact.path.with_suffix(".cdx.json")))


@pytest.mark.parametrize("request_", [{"op": "whoami"}, {"op": "artefact-room", "store": "/"}])
async def test_the_builders_key_opens_the_store_and_nothing_else(
    store: DistantStore, transport: SSHTransport, request_: dict[str, str]
) -> None:
    assert await store.free() > 0
    with pytest.raises(Unavailable, match="no answer"):
        await transport.call("binder", {**request_, "path": [], "env": {}})
