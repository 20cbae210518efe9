"""The smallest server that JupyterHub takes for a user's: it answers."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    """GET: the path that was asked for."""

    def do_GET(self) -> None:
        body = f"here is {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """`api/shutdown`, as a Jupyter server has it."""
        self.do_GET()
        if self.path.endswith("/api/shutdown"):
            threading.Thread(target=self.server.shutdown).start()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
ThreadingHTTPServer(("127.0.0.1", address.port or 0), Handler).serve_forever()
