"""A user's own server, as JupyterLab uses it: runs code in a kernel, reads files."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import httpx
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from .person import Person

RUN_SECONDS = 120


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
        async with httpx.AsyncClient(headers=self._headers, timeout=60) as client:
            made = await client.post(self._url + "api/kernels", json={"name": "python3"})
            made.raise_for_status()
            kernel = made.json()["id"]
            try:
                async with asyncio.timeout(RUN_SECONDS):
                    return await self._execute(kernel, code)
            finally:
                await client.delete(f"{self._url}api/kernels/{kernel}")

    async def _execute(self, kernel: str, code: str) -> str:
        address = f"{self._url}api/kernels/{kernel}/channels".replace("http", "ws", 1)
        socket = await websocket_connect(HTTPRequest(address, headers=self._headers))
        message = uuid.uuid4().hex
        await socket.write_message(json.dumps(_execute_request(message, code)))
        printed = ""
        while True:
            raw = await socket.read_message()
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
                socket.close()
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
