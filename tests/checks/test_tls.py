"""Certificates, real ones: whom `check` trusts, and until when."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from hpcbinderhub.checks.tls import certificate

AUTHORITY = trustme.CA()


@asynccontextmanager
async def serving(name: str = "localhost", days: float = 100) -> AsyncIterator[str]:
    """A TLS server with such a certificate; its address."""
    now = datetime.now(UTC)
    issued = AUTHORITY.issue_cert(
        name, not_before=now - timedelta(days=300), not_after=now + timedelta(days=days, hours=1)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issued.configure_cert(context)
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context
    )
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        await server.wait_closed()


def ca_file(folder: Path, authority: trustme.CA = AUTHORITY) -> str:
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


async def test_a_good_certificate(tmp_path: Path) -> None:
    async with serving() as url:
        finding = await certificate("it", url, ca_file(tmp_path), "c.Site.ca_file")
    assert finding.outcome.value == "ok"


async def test_one_that_ends_soon(tmp_path: Path) -> None:
    async with serving(days=9) as url:
        finding = await certificate("it", url, ca_file(tmp_path), "c.Site.ca_file")
    assert finding.outcome.value == "warning"
    assert finding.sentence.startswith("Its certificate is good for 9 more days, until ")
    assert finding.advice == "Renew it now."


async def test_those_that_are_not_accepted(tmp_path: Path) -> None:
    ca = ca_file(tmp_path)
    async with serving(days=-2) as url:
        finding = await certificate("it", url, ca, "c.Site.ca_file")
    assert "certificate has expired" in finding.sentence
    assert finding.advice == "Renew the certificate."
    async with serving("other.example.org") as url:
        finding = await certificate("it", url, ca, "c.Site.ca_file")
    assert "is not valid for 'localhost'" in finding.sentence
    assert "issued for this name" in finding.advice
    async with serving() as url:
        other = ca_file(tmp_path, trustme.CA())
        finding = await certificate("it", url, other, "c.Site.ca_file")
        assert finding.advice == (
            f"Set c.Site.ca_file to the authority that signed it; {other} is another one."
        )
        finding = await certificate("it", url, "", "c.Site.ca_file")
        assert finding.advice == "Set c.Site.ca_file to a file with the authority that signed it."


async def test_nobody_there() -> None:
    finding = await certificate("it", "https://127.0.0.1:1/", "", "c.Site.ca_file")
    assert finding.outcome.value == "failed"
    assert "cannot be reached from here" in finding.sentence
    assert "firewalls" in finding.advice
