"""A crew's key: who holds it is let in, at both ends, and nobody else is."""

from __future__ import annotations

import asyncio
import os
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from hpcbinderhub.credentials.keyring import Keyring, add_key
from hpcbinderhub.crews.keys import CrewKeys, Seal
from hpcbinderhub.errors import UserError


def context(keys: CrewKeys, purpose: ssl.Purpose) -> ssl.SSLContext:
    """As `distributed.security` makes it of PEM text."""
    made = ssl.create_default_context(purpose, cadata=keys.certificate)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    file = os.memfd_create("keys")
    os.write(file, (keys.certificate + keys.key).encode())
    made.load_cert_chain(f"/proc/self/fd/{file}")
    os.close(file)
    return made


async def greeting(
    server: CrewKeys, client: CrewKeys, verify: ssl.VerifyMode = ssl.CERT_REQUIRED
) -> bytes:
    """What a client with these keys is told by a scheduler with those."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    accepting = context(server, ssl.Purpose.CLIENT_AUTH)
    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=accepting) as listening:
        port = listening.sockets[0].getsockname()[1]
        trusting = context(client, ssl.Purpose.SERVER_AUTH)
        trusting.verify_mode = verify
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        try:
            return await reader.read()
        finally:
            writer.close()


async def test_one_pair_is_good_at_both_ends() -> None:
    keys = CrewKeys.new()
    assert await greeting(keys, keys) == b"hello"


async def test_another_crews_pair_is_good_for_nothing() -> None:
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        await greeting(CrewKeys.new(), CrewKeys.new())


async def test_a_client_without_the_key_is_told_nothing() -> None:
    told = b""
    with suppress(OSError):
        # It believes whoever answers, and shows a certificate of its own.
        told = await greeting(CrewKeys.new(), CrewKeys.new(), verify=ssl.CERT_NONE)
    assert told == b""
    keys = CrewKeys.new()
    assert await greeting(keys, keys, verify=ssl.CERT_NONE) == b"hello"


async def test_what_lies_in_the_database_is_sealed(tmp_path: Path) -> None:
    add_key(tmp_path / "keys")
    seal, keys = Seal(Keyring(str(tmp_path / "keys"))), CrewKeys.new()
    kept = await seal.closed("c1", keys)
    assert "KEY" not in kept
    assert await seal.opened("c1", kept) == keys
    for other in ("c2", "c3"):
        with pytest.raises(UserError, match="cannot be read"):
            await seal.opened(other, kept)
    (tmp_path / "keys").unlink()
    add_key(tmp_path / "keys")
    with pytest.raises(UserError, match="cannot be read"):
        await seal.opened("c1", kept)


async def test_a_site_without_keys_keeps_it_as_it_is() -> None:
    seal, keys = Seal(Keyring("")), CrewKeys.new()
    assert await seal.opened("c1", await seal.closed("c1", keys)) == keys
