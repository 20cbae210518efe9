"""What comes from the workers piece by piece, as lines and as bars that are drawn over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """A whole line that a part has printed."""

    who: str
    stream: str
    text: str

    def __str__(self) -> str:
        return f"[{self.who}] {self.text}"


class Lines:
    """The output of all parts of a run."""

    def __init__(self) -> None:
        self._begun: dict[tuple[int, str], str] = {}

    def feed(self, part: int, who: str, stream: str, text: str) -> Iterator[Line]:
        """The lines that are complete now."""
        key = part, stream
        whole = self._begun.get(key, "") + text.replace("\r\n", "\n")
        *lines, rest = whole.split("\n")
        self._begun[key] = _drawn(rest, keep=True)
        for line in lines:
            # Of a bar, how it was at last.
            yield Line(who, stream, _drawn(line))

    def end(self, part: int, who: str) -> Iterator[Line]:
        """What has no line end, and will get none."""
        for stream in ("out", "err"):
            rest = _drawn(self._begun.pop((part, stream), ""))
            if rest.strip():
                yield Line(who, stream, rest)

    def bars(self) -> dict[int, str]:
        """What is drawn over and over just now, by part."""
        drawn = {part: _drawn(text) for (part, _), text in self._begun.items() if "\r" in text}
        return {part: text for part, text in sorted(drawn.items()) if text.strip()}


def _drawn(text: str, keep: bool = False) -> str:
    """What is seen of a line in which the cursor went back to its beginning; with `keep` as text
    that goes on to be drawn over."""
    if "\r" not in text:
        return text
    *_, before, last = text.split("\r")
    return ("\r" if keep else "") + (last or before)
