"""The agent's answer among whatever else a login shell prints.

The answer is one line: the request's nonce, a space, and JSON. Data of any size comes before it, as
lines that begin with the nonce and a plus sign and go on in base64.
"""

from __future__ import annotations

import base64
import json
from typing import Any, BinaryIO

from ..errors import Unavailable


class AgentError(Exception):
    """The agent answered, and the answer is no: `kind` for programs, the message for people."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


class Answer:
    """Takes line after line; what is data goes to a file, if there is one to take it."""

    def __init__(self, nonce: str, data: BinaryIO | None = None):
        self._nonce = nonce
        self._data = data
        self._answer: dict[str, Any] | None = None
        self._other = ""

    def take(self, line: str) -> None:
        """One more line."""
        if line.startswith(f"{self._nonce}+") and self._data:
            # Writing only fills the kernel's memory, piece by piece, so it holds up nobody.
            self._data.write(base64.b64decode(line[len(self._nonce) + 1 :]))
        elif line.startswith(f"{self._nonce} "):
            self._answer = json.loads(line[len(self._nonce) + 1 :])
        else:
            self._other = (self._other + line)[-300:]

    def result(self) -> dict[str, Any]:
        """What the agent said. AgentError if that is no, Unavailable if it said nothing."""
        if self._answer is None:
            raise Unavailable(f"The agent gave no answer; the login shell said: {self._other!r}")
        if "error" in self._answer:
            raise AgentError(self._answer["error"]["kind"], self._answer["error"]["message"])
        return dict(self._answer["ok"])
