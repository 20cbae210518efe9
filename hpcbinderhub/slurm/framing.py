"""The agent's answer among whatever else a login shell prints.

The answer is one line: the request's nonce, a space, and JSON. Data of any size comes before it, as
lines that begin with the nonce and a plus sign and go on in base64; the first, which is empty, says
that the agent has read the request. A shell's start files may print
anything at all: it is skipped without being kept, except for its end, which is shown.
"""

from __future__ import annotations

import base64
import json
from typing import Any, BinaryIO, Protocol

from ..errors import Unavailable

SHOWN_BYTES = 300
NOISE_BYTES = 64 << 20
"""What a shell may print before it is taken to never end."""

LINE_BYTES = 4 << 20
"""The longest line of the agent's: a shell that knows the nonce could send one without an end."""


class Sink(Protocol):
    """Where data goes. It begins anew when an answer broke off."""

    def write(self, piece: bytes, /) -> int: ...

    def seek(self, offset: int, /) -> int: ...

    def truncate(self) -> int: ...


class Limited:
    """A file that takes no more than was asked for, whoever sends it."""

    def __init__(self, file: BinaryIO, limit: int):
        self._file = file
        self._limit = limit

    def write(self, piece: bytes, /) -> int:
        """One more piece. Unavailable if it is too much."""
        if self._file.tell() + len(piece) > self._limit:
            raise Unavailable(
                f"More than {self._limit >> 20} MiB came from the cluster: something answered in "
                "the agent's place."
            )
        return self._file.write(piece)

    def seek(self, offset: int, /) -> int:
        """To where the next piece goes."""
        return self._file.seek(offset)

    def truncate(self) -> int:
        """Forget what comes behind that."""
        return self._file.truncate()


class AgentError(Exception):
    """The agent answered, and the answer is no: `kind` for programs, the message for people."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


class Answer:
    """Takes what comes, in pieces of any size; what is data goes to a file, if there is one."""

    def __init__(self, nonce: str, data: Sink | None = None):
        self._nonce = nonce.encode()
        self._data = data
        self._line = bytearray()
        self._answer: dict[str, Any] | None = None
        self._noise = bytearray()
        self._noise_bytes = 0
        self.begun = False
        """Whether the agent has said anything."""

    @property
    def complete(self) -> bool:
        """Whether the agent has answered."""
        return self._answer is not None

    def feed(self, piece: bytes) -> bool:
        """One more piece. Whether any of it is the agent's. Unavailable if it cannot be read."""
        first, *others = piece.split(b"\n")
        ours = self._add(first)
        for part in others:
            self._end_line()
            ours = self._add(part) or ours
        self.begun = self.begun or ours
        return ours

    def result(self) -> dict[str, Any]:
        """What the agent said. AgentError if that is no, Unavailable if it said nothing."""
        if self._answer is None:
            said = (self._noise + self._line)[-SHOWN_BYTES:].decode(errors="replace").strip()
            raise Unavailable(
                "The agent gave no answer. "
                + (f"The login shell said: {said!r}" if said else "The login shell said nothing.")
            )
        if "error" in self._answer:
            raise AgentError(self._answer["error"]["kind"], self._answer["error"]["message"])
        return dict(self._answer["ok"])

    def _add(self, part: bytes) -> bool:
        self._line += part
        ours = self._line.startswith(self._nonce)
        if not ours and len(self._line) > SHOWN_BYTES + len(self._nonce):
            # What a line begins with is remembered; what is in its middle is not.
            self._skip(bytes(self._line[len(self._nonce) : -SHOWN_BYTES]))
            del self._line[len(self._nonce) : -SHOWN_BYTES]
        if len(self._line) > LINE_BYTES:
            raise _unreadable()
        return ours and bool(part)

    def _end_line(self) -> None:
        line, self._line = bytes(self._line), bytearray()
        mark, rest = line[len(self._nonce) :][:1], line[len(self._nonce) + 1 :]
        if not line.startswith(self._nonce) or self.complete:
            self._skip(line + b"\n")
        elif mark == b"+" and self._data:
            # Writing only fills the kernel's memory, piece by piece, so it holds up nobody.
            self._data.write(_data_in(rest))
        elif mark == b" ":
            self._answer = _answer_in(rest)

    def _skip(self, noise: bytes) -> None:
        self._noise_bytes += len(noise)
        self._noise = (self._noise + noise[-SHOWN_BYTES:])[-SHOWN_BYTES:]
        if self._noise_bytes > NOISE_BYTES:
            raise Unavailable(
                f"The start files of the login shell printed more than {NOISE_BYTES >> 20} MiB."
            )


def _answer_in(text: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(text)
        said = answer["error"] if "error" in answer else answer["ok"]
        if isinstance(said, dict) and ("ok" in answer or said.keys() == {"kind", "message"}):
            return dict(answer)
    except (ValueError, KeyError, TypeError):
        pass
    raise _unreadable()


def _data_in(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _unreadable() from None


def _unreadable() -> Unavailable:
    """Only a shell that reads the request itself knows the nonce; it is the user's own."""
    return Unavailable("The agent's answer cannot be read: something answered in its place.")
