"""The agent, run on this host: one process for each request, as on a login node, but for SSH."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any, BinaryIO

from hpcbinderhub.slurm import agent
from hpcbinderhub.slurm.framing import Answer

LOAD = "import sys; sys.path.insert(0, sys.argv.pop(1)); from agent.main import main; main()"
COMMAND = (sys.executable, "-I", "-c", LOAD, str(Path(agent.__file__).parents[1]))


class AgentHere:
    """A transport to whoever runs the tests, whatever the user is called."""

    command: tuple[str, ...] = COMMAND
    uid: int | None = os.getuid()
    """Everybody's; None where users are accounts of this host."""

    def __init__(self, *arguments: str):
        self.command = (*self.command, *arguments)

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None
    ) -> dict[str, Any]:
        """See `hpcbinderhub.slurm.transport.Transport`."""
        if request["op"] == "uids" and self.uid is not None:
            return {"uids": dict.fromkeys(request["users"], self.uid)}
        nonce = secrets.token_hex(16)
        process = await asyncio.create_subprocess_exec(
            *self.command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate(json.dumps({**request, "nonce": nonce}).encode())
        answer = Answer(nonce, data)
        answer.feed(out)
        return answer.result()
