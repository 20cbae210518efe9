"""`imagegwd [--host H] [--port N]`: the gateway's REST interface over HTTP (contract 4)."""

import argparse
import json
import logging
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from . import munge
from .gateway_api import Api, ApiError, Session, Target
from .gateway_config import GatewayConfig, load_gateway_config
from .gateway_pull import Worker
from .gateway_records import Records

log = logging.getLogger("imagegwd")

ON_IMAGE = {"lookup": "GET", "pull": "POST", "expire": "GET", "doimport": "POST"}
ON_SYSTEM = {"list": "GET", "queue": "GET", "autoexpire": "GET", "metrics": "GET"}


class Server(ThreadingHTTPServer):
    """An HTTP server that knows the gateway."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], config: GatewayConfig) -> None:
        super().__init__(address, Handler)
        config.cache.mkdir(parents=True, exist_ok=True)
        records = Records(config.state_file, config.pull_update_seconds)
        # A state that cannot be written shows now and not at the first pull.
        records.save()
        self.config = config
        self.api = Api(config, records, Worker(config, records))


class Handler(BaseHTTPRequestHandler):
    """Parse, ask the gateway, answer."""

    server: Server

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def _handle(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = urlsplit(self.path).path
        if path == "/":
            self._send(200, "text/plain; charset=utf-8", "{lookup,pull,expire,list}")
            return
        try:
            answer = self._answer(method, [unquote(part) for part in path.split("/")], body)
        except ApiError as error:
            self._send_error(error)
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            # Contract 4: a bad body is a 500, as is all else that the real one trips over.
            log.exception("%s %s", method, path)
            self._send_error(ApiError(500))
        else:
            self._send_json(200, answer)

    def _answer(self, method: str, parts: list[str], body: str) -> Any:
        # Paths end with '/', without also works; TAG may contain '/'.
        if len(parts) < 4 or parts[1] != "api":
            raise ApiError(404, "not found")
        what, system, rest = parts[2], parts[3], "/".join(parts[4:]).rstrip("/")
        if what not in ON_IMAGE and what not in ON_SYSTEM:
            raise ApiError(404, "not found")
        if method != {**ON_IMAGE, **ON_SYSTEM}[what]:
            raise ApiError(405, "method not allowed")
        if system not in self.server.config.systems:
            raise ApiError(404 if what == "list" else 500, "Bad session or system")
        if what in ON_SYSTEM:
            return self._answer_on_system(what, system)
        itype, slash, tag = rest.partition("/")
        if not slash or not tag:
            raise ApiError(404, "not found")
        # Contract 1: ':latest' is added only when the descriptor has no ':' at all.
        target = Target(system, itype, tag if ":" in tag else f"{tag}:latest")
        return self._answer_on_image(what, self._session(what), target, body)

    def _answer_on_system(self, what: str, system: str) -> Any:
        if what == "queue":
            return self.server.api.queue(system)
        session = self._session(what)
        if what == "list":
            return self.server.api.list(session, system)
        if what == "autoexpire":
            return self.server.api.autoexpire(session, system)
        return []

    def _answer_on_image(self, what: str, session: Session, target: Target, body: str) -> Any:
        api = self.server.api
        match what:
            case "lookup":
                return api.lookup(session, target)
            case "pull":
                return api.pull(session, target, body)
            case "doimport":
                return api.doimport(session, target, body)
        return api.expire(session, target)

    def _session(self, what: str) -> Session:
        header = self.headers.get("authentication")
        if header is None:
            return Session()
        credential = munge.decode(header)
        if credential is None:
            # Contract 4, Errors: lookup and pull crash in their own error handler.
            raise ApiError(500 if what in ("lookup", "pull") else 404, "Bad session or system")
        return Session(credential.user, credential.uid, credential.gid, credential.payload)

    def _send_json(self, status: int, value: Any) -> None:
        self._send(status, "application/json", json.dumps(value))

    def _send_error(self, error: ApiError) -> None:
        if error.status == 500:
            self._send(500, "text/html; charset=utf-8", "<h1>Internal Server Error</h1>")
            return
        reasons = {404: "Not Found", 405: "Method Not Allowed"}
        url = f"http://{self.headers.get('Host', '')}{self.path}"
        message = f"{reasons[error.status]}: {url}"
        value = {"status": error.status, "error": error.error, "message": message}
        self._send_json(error.status, value)

    def _send(self, status: int, kind: str, text: str) -> None:
        raw = text.encode()
        self.send_response(status)
        # To the letter: the client ignores a reply with a charset or without a length.
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        log.info(format, *args)


def main(argv: Sequence[str]) -> int:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="imagegwd", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    server = Server((arguments.host, arguments.port), load_gateway_config())
    print(f"listening on {arguments.host}:{server.server_port}", flush=True)
    server.serve_forever()
    return 0
