"""What the reading process is told when it begins."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Settings:
    """Plain values, since they go through the socket."""

    roots: tuple[tuple[str, str], ...]
    """Names and paths of the folders that files may lie in; the first is the server's own."""
    cache_bytes: int
    memory_bytes: int
    """All that the process may take."""
    request_bytes: int
    """What one request may hold while it is worked on."""
    answer_bytes: int
    """The longest body of one answer, or of one part of it."""
    seconds: float
    """For one request, or one part of its answer."""
    requests: int
    """How many are worked on at once."""
    decoders: int
    """Threads that read and decode chunks."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Settings:
        """What `as_dict` made, after it went through JSON."""
        roots = tuple((name, path) for name, path in told["roots"])
        return cls(**{**told, "roots": roots})
