"""What an operation of the reading process gives back."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Union

from ..errors import Refusal

Body = Union[bytes, bytearray, memoryview]
SMALL = 4096
"""What is not worth compressing."""


@dataclass(frozen=True)
class Answer:
    """A body, or one that comes in parts: then the next one is made when the last has gone."""

    body: Body = b""
    type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    parts: Iterator[Body] | None = None

    def compressed(self) -> Answer:
        """Text takes a tenth when compressed, and the Jupyter server must not be busy with that."""
        if self.type != "application/json" or len(self.body) < SMALL or self.parts is not None:
            return self
        packer = zlib.compressobj(1, wbits=31)
        body = packer.compress(self.body) + packer.flush()
        headers = {**self.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return replace(self, body=body, headers=headers)


def told(value: Any, **headers: str) -> Answer:
    """An answer in JSON."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Answer(text.encode("utf-8", "surrogatepass"), headers=headers)


def refused(refusal: Refusal) -> Answer:
    """The sentences of a refusal."""
    return Answer(json.dumps(refusal.as_dict()).encode(), status=refusal.status)
