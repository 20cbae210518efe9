"""A user's own server, as JupyterLab uses it: runs code in a kernel, reads files."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from .person import Person

RUN_SECONDS = 300


class Lab:
    """One running server."""

    def __init__(self, person: Person, path: str):
        self._url = f"{person.url}{path}"
        self._headers = {"Authorization": f"token {person.token}"}

    def get(self, path: str) -> httpx.Response:
        """GET from the server's own API."""
        return httpx.get(self._url + path, headers=self._headers, timeout=60)

    async def run_notebook(self, path: str) -> str:
        """Run a notebook's code cells in a new kernel, from the top; what they printed."""
        answer = self.get(f"api/contents/{path}")
        answer.raise_for_status()
        cells = answer.json()["content"]["cells"]
        return await self.run("\n".join(c["source"] for c in cells if c["cell_type"] == "code"))

    async def run(self, code: str) -> str:
        """Run code in a new kernel; what it printed."""
        async with self.kernel() as kernel:
            return await kernel.run(code)

    @asynccontextmanager
    async def kernel(self) -> AsyncIterator[Kernel]:
        """A new kernel, and one connection to it."""
        async with httpx.AsyncClient(headers=self._headers, timeout=RUN_SECONDS) as client:
            made = await client.post(self._url + "api/kernels", json={"name": "python3"})
            made.raise_for_status()
            path = f"api/kernels/{made.json()['id']}"
            try:
                address = f"{self._url}{path}/channels".replace("http", "ws", 1)
                # It is answered when the kernel has started.
                request = HTTPRequest(address, headers=self._headers, request_timeout=RUN_SECONDS)
                async with asyncio.timeout(RUN_SECONDS):
                    socket = await websocket_connect(request)
                yield Kernel(socket)
                socket.close()
            finally:
                await client.delete(self._url + path)


class Kernel:
    """A connection to a running kernel."""

    def __init__(self, socket: WebSocketClientConnection):
        self._socket = socket
        # Who reads while another waits would get the other's answers.
        self._turn = asyncio.Lock()

    async def run(self, code: str) -> str:
        """Run code, after what runs already; what it printed."""
        async with self._turn, asyncio.timeout(RUN_SECONDS):
            return await self._execute(code)

    async def _execute(self, code: str) -> str:
        message = uuid.uuid4().hex
        await self._socket.write_message(json.dumps(_execute_request(message, code)))
        printed = ""
        while True:
            raw = await self._socket.read_message()
            assert raw is not None, "the kernel's connection was closed"
            answer = json.loads(raw)
            if answer["parent_header"].get("msg_id") != message:
                continue
            content = answer["content"]
            if answer["msg_type"] == "stream":
                printed += content["text"]
            elif answer["msg_type"] == "error":
                raise AssertionError("\n".join(content["traceback"]))
            elif answer["msg_type"] == "status" and content["execution_state"] == "idle":
                return printed


def _execute_request(message: str, code: str) -> dict[str, Any]:
    return {
        "channel": "shell",
        "header": {
            "msg_id": message,
            "msg_type": "execute_request",
            "session": uuid.uuid4().hex,
            "username": "",
            "version": "5.3",
        },
        "parent_header": {},
        "metadata": {},
        "content": {"code": code, "silent": False, "allow_stdin": False},
    }
