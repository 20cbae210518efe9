"""The client side of the gateway's REST interface, particular like the real one (contract 3)."""

import http.client
import json
import random
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from . import munge
from .config import Config
from .credentials import authorized_locations
from .reference import Reference

CURL_TIMEOUT = 28
CURL_GOT_NOTHING = 52


class NoAnswer(Exception):
    """No gateway answered; the text is what the real client prints."""


@dataclass(frozen=True)
class Reply:
    """An answer: `json` is None when the client cannot use it."""

    status: int
    body: str
    json: dict[str, Any] | None


class GatewayClient:
    """Talks to the first of the gateways that answers."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.complaints: list[str] = []

    def lookup(self, image: Reference) -> Reply:
        return self._ask("GET", self._path("lookup", image))

    def pull(self, image: Reference, body: str = "") -> Reply:
        return self._ask("POST", self._path("pull", image), body, with_logins=True)

    def expire(self, image: Reference) -> Reply:
        return self._ask("GET", self._path("expire", image))

    def images(self) -> Reply:
        return self._ask("GET", f"/api/list/{self._config.system}/")

    def autoexpire(self) -> Reply:
        return self._ask("GET", f"/api/autoexpire/{self._config.system}/")

    def _path(self, what: str, image: Reference) -> str:
        tag = quote(image.descriptor, safe="")
        return f"/api/{what}/{self._config.system}/{image.type}/{tag}/"

    def _ask(self, method: str, path: str, body: str = "", with_logins: bool = False) -> Reply:
        # Contract 3: several gateways are tried in random order.
        gateways = random.sample(self._config.gateways, len(self._config.gateways))
        self.complaints = []
        for gateway in gateways:
            try:
                return self._ask_one(gateway, method, path, body, with_logins)
            except NoAnswer as error:
                self.complaints.append(str(error))
        raise NoAnswer("\n".join(self.complaints) or _REFUSED)

    def _ask_one(self, gateway: str, method: str, path: str, body: str, with_logins: bool) -> Reply:
        url = urlsplit(gateway)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        timeout = self._config.gateway_timeout
        connection = kind(url.hostname or "", url.port, timeout=timeout)
        try:
            connection.request(method, url.path.rstrip("/") + path, body, _headers(with_logins))
            response = connection.getresponse()
            return _reply(response, response.read())
        except TimeoutError as error:
            raise NoAnswer(f"err {CURL_TIMEOUT}") from error
        except (ConnectionRefusedError, socket.gaierror) as error:
            raise NoAnswer(_REFUSED) from error
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"err {CURL_GOT_NOTHING}") from error
        finally:
            connection.close()


_REFUSED = "ERROR: failed to contact the image gateway."


def _headers(with_logins: bool) -> dict[str, str]:
    logins = authorized_locations() if with_logins else {}
    payload = json.dumps({"authorized_locations": logins}) if logins else ""
    credential = munge.encode(payload)
    # Contract 4: no header makes an anonymous session.
    return {"authentication": credential} if credential else {}


def _reply(response: http.client.HTTPResponse, raw: bytes) -> Reply:
    """Contract 3: only `application/json` to the letter, and only with a Content-Length."""
    body = raw.decode("utf-8", "replace")
    usable = response.getheader("Content-Type") == "application/json" and response.getheader(
        "Content-Length"
    ) == str(len(raw))
    try:
        value = json.loads(body) if usable else None
    except ValueError:
        value = None
    return Reply(response.status, body, value if isinstance(value, dict) else None)
