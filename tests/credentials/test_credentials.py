"""Credentials at rest: readable with the site's keys, in their own place, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.fernet import InvalidToken
from sqlalchemy import Connection, text

from hpcbinderhub.app import main
from hpcbinderhub.credentials.hosts import checked_host, host_of
from hpcbinderhub.credentials.keyring import Keyring, add_key
from hpcbinderhub.credentials.store import MAX_HOSTS, Credential, Credentials, Kept
from hpcbinderhub.database import Database
from hpcbinderhub.errors import UserError

HERS = Credential("aVerySecretToken", "alice-at-the-forge")
URL = "https://git.example.org/group/project"


class Keys:
    """A file of keys, as an admin handles it."""

    def __init__(self, path: Path):
        self.path = str(path)
        self.add()

    def add(self) -> None:
        add_key(Path(self.path))

    @property
    def text(self) -> str:
        return Path(self.path).read_text()

    @text.setter
    def text(self, text: str) -> None:
        Path(self.path).write_text(text)


def written_below(directory: Path) -> bytes:
    """All that is in the files of a directory."""
    return b"".join(path.read_bytes() for path in directory.iterdir())


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """A file, since some tests read what is in it, or change it behind the library's back."""
    return f"sqlite:///{tmp_path}/site.sqlite"


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys")


@pytest.fixture
def credentials(database: Database, keys: Keys) -> Credentials:
    return Credentials(database, Keyring(keys.path), clock=iter(range(100, 200)).__next__)


async def test_what_was_entered_is_found_by_address_and_can_be_removed(
    credentials: Credentials,
) -> None:
    await credentials.keep("alice", "git.example.org", HERS)
    assert await credentials.of_user("alice") == [Kept("git.example.org", 100, None)]
    assert await credentials.for_url("alice", URL) == HERS
    assert await credentials.of_user("alice") == [Kept("git.example.org", 100, 101)]
    assert await credentials.for_url("bob", URL) is None
    assert await credentials.for_url("alice", "https://git.example.org:8443/x") is None
    assert await credentials.for_url("alice", "http://git.example.org/x") is None

    await credentials.keep("alice", "git.example.org", Credential("another"))
    assert await credentials.for_url("alice", URL) == Credential("another")
    assert await credentials.forget("alice", "git.example.org")
    assert not await credentials.forget("alice", "git.example.org")
    assert await credentials.for_url("alice", URL) is None


async def test_the_database_does_not_hold_it(credentials: Credentials, tmp_path: Path) -> None:
    await credentials.keep("alice", "git.example.org", HERS)
    content = written_below(tmp_path)
    assert b"git.example.org" in content
    for secret in (HERS.token, HERS.user_name):
        assert secret.encode() not in content


async def test_keys_are_replaced_one_after_the_other(credentials: Credentials, keys: Keys) -> None:
    old = keys.text
    await credentials.keep("alice", "git.example.org", HERS)
    assert main(["credential-key", keys.path]) == 0
    new = keys.text.removesuffix(old)
    assert len(new.split()) == 1
    assert await credentials.for_url("alice", URL) == HERS

    await credentials.rotate()
    keys.text = new
    assert await credentials.for_url("alice", URL) == HERS
    keys.text = old
    with pytest.raises(UserError, match="the site's keys have changed"):
        await credentials.for_url("alice", URL)


async def test_what_no_key_opens_is_kept_until_its_key_comes_back(
    credentials: Credentials, keys: Keys, tmp_path: Path
) -> None:
    await credentials.keep("alice", "git.example.org", HERS)
    lost, keys.text = keys.text, Keys(tmp_path / "others").text
    await credentials.rotate()
    with pytest.raises(UserError) as refused:
        await credentials.for_url("alice", URL)
    assert refused.value.advice == "Enter it again on the page “Yours”."
    keys.text += lost
    assert await credentials.for_url("alice", URL) == HERS


@pytest.mark.parametrize("moved", ["user = 'mallory'", "host = 'evil.example.org'"])
async def test_a_record_is_worth_nothing_in_another_place(
    moved: str, credentials: Credentials, database: Database
) -> None:
    await credentials.keep("alice", "git.example.org", HERS)

    def move(connection: Connection) -> None:
        connection.execute(text(f"UPDATE credentials SET {moved}"))

    await database.run(move)
    user = "mallory" if "user" in moved else "alice"
    url = URL if "user" in moved else "https://evil.example.org/x"
    with pytest.raises(UserError, match="cannot be read"):
        await credentials.for_url(user, url)


async def test_without_keys_there_are_no_credentials(database: Database) -> None:
    credentials = Credentials(database, Keyring(""))
    assert not credentials.offered
    await credentials.rotate()
    with pytest.raises(UserError, match="This site keeps no credentials"):
        await credentials.keep("alice", "git.example.org", HERS)


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (None, 0o600, "cannot be read (No such file or directory)"),
        ("", 0o600, "holds no key, or a line that is none"),
        ("not a key\n", 0o600, "holds no key, or a line that is none"),
        ("not a key\n", 0o640, "is open to other accounts; its mode must be 0600"),
    ],
)
async def test_a_file_that_cannot_be_used_is_explained(
    content: str | None, mode: int, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    with pytest.raises(UserError) as refused:
        await Keyring(str(path)).cipher()
    assert sentence in refused.value.message
    assert refused.value.status == 503


def test_a_file_of_keys_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    before = os.umask(0)
    try:
        add_key(path)
        add_key(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    first, second = path.read_text().split()
    assert first != second
    assert [name.name for name in tmp_path.iterdir()] == ["keys"]


async def test_the_newest_key_encrypts(keys: Keys) -> None:
    older = await Keyring(keys.path).cipher()
    keys.add()
    made = (await Keyring(keys.path).cipher()).encrypt(b"x")
    with pytest.raises(InvalidToken):
        older.decrypt(made)


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("github.com", "github.com"),
        (" GitHub.com ", "github.com"),
        ("git.example.org:8443", "git.example.org:8443"),
        ("git.example.org:443", "git.example.org"),
        ("https://git.example.org:443/group/project", "git.example.org"),
        ("http://git:3000", "git:3000"),
    ],
)
def test_a_host_is_named_as_in_its_addresses(typed: str, host: str) -> None:
    assert checked_host(typed) == host
    assert host_of(f"https://{host}/group/project") == host


@pytest.mark.parametrize(
    "typed", ["", "a b", "alice@git.example.org", "-x", "git.example.org/x", "http://", "x:port"]
)
def test_what_names_no_host_is_refused(typed: str) -> None:
    with pytest.raises(UserError, match="is not the name of a host"):
        checked_host(typed)


async def test_nobody_fills_the_database_with_hosts(database: Database, keys: Keys) -> None:
    credentials = Credentials(database, Keyring(keys.path))
    for number in range(MAX_HOSTS):
        await credentials.keep("alice", f"host{number}.example.org", HERS)
    await credentials.keep("alice", "host7.example.org", HERS)
    with pytest.raises(UserError, match="for 100 hosts already"):
        await credentials.keep("alice", "another.example.org", HERS)
    assert len(await credentials.of_user("alice")) == MAX_HOSTS
    await credentials.keep("bob", "another.example.org", HERS)
