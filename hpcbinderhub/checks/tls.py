"""TLS as it is met from here: who answers, whether it is trusted, and for how long."""

from __future__ import annotations

import asyncio
import ssl
import time
from urllib.parse import urlsplit

from .finding import Finding, failed, ok, warning

CONNECT_SECONDS = 10
SOON_DAYS = 14


async def certificate(what: str, url: str, ca_file: str, ca_setting: str) -> Finding:
    """Whether the server at an https address is who it says, and until when."""
    place = urlsplit(url)
    host, port = place.hostname or "", place.port or 443
    try:
        expires = await _expiry(host, port, ca_file)
    except ssl.SSLCertVerificationError as error:
        return failed(what, _mistrust(url, error), _what_to_trust(error, ca_file, ca_setting))
    except ssl.SSLError as error:
        return failed(
            what,
            f"{host}:{port} does not speak TLS as it should: {error.reason}.",
            "Look at the configuration of the web server that answers there.",
        )
    except (OSError, TimeoutError) as error:
        return failed(
            what,
            f"{host}:{port} cannot be reached from here: {_why(error)}.",
            "Look at its name in DNS, at firewalls, and whether the web server runs.",
        )
    days = int((expires - time.time()) // 86400)
    until = time.strftime("%Y-%m-%d", time.gmtime(expires))
    if days < SOON_DAYS:
        return warning(
            what, f"Its certificate is good for {days} more days, until {until}.", "Renew it now."
        )
    return ok(what, f"{host}:{port} has a certificate that is trusted, until {until}.")


async def _expiry(host: str, port: int, ca_file: str) -> float:
    context = ssl.create_default_context(cafile=ca_file or None)
    async with asyncio.timeout(CONNECT_SECONDS):
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        return float(ssl.cert_time_to_seconds(writer.get_extra_info("peercert")["notAfter"]))
    finally:
        writer.close()


def _mistrust(url: str, error: ssl.SSLCertVerificationError) -> str:
    return f"The certificate of {url} is not accepted: {error.verify_message}."


def _what_to_trust(error: ssl.SSLCertVerificationError, ca_file: str, ca_setting: str) -> str:
    if "expired" in error.verify_message:
        return "Renew the certificate."
    if "match" in error.verify_message or "valid for" in error.verify_message:
        return "Have a certificate issued for this name, or set the address that it is for."
    if ca_file:
        return f"Set {ca_setting} to the authority that signed it; {ca_file} is another one."
    return f"Set {ca_setting} to a file with the authority that signed it."


def _why(error: BaseException) -> str:
    return str(getattr(error, "strerror", "") or error) or f"no answer in {CONNECT_SECONDS} s"
