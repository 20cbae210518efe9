"""What the workers print, as lines of the node's one log."""

from __future__ import annotations

import os
import selectors
import time

from ..report import hidden

CHUNK = 2**16
LONGEST = 2**13


class Stream:
    """One worker's standard output and error, in whole lines that begin with its name."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self.descriptor = descriptor
        self._begun = b""
        os.set_blocking(descriptor, False)

    def read(self) -> bool:
        """Write what there is; false if nothing can come any more."""
        try:
            chunk = os.read(self.descriptor, CHUNK)
        except BlockingIOError:
            return True
        *lines, self._begun = (self._begun + chunk).split(b"\n")
        if self._begun and (not chunk or len(self._begun) > LONGEST):
            lines.append(self._begun)
            self._begun = b""
        self._write(lines)
        return bool(chunk)

    def _write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        head = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {self.name}: "
        text = "".join(f"{head}{hidden(line.decode(errors='replace'))}\n" for line in lines)
        # One call, so that lines of nodes that share a file stay whole.
        os.write(2, text.encode(errors="replace"))


class Streams:
    """The output of all workers."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector

    def open(self, name: str) -> int:
        """A descriptor for a new worker to write to."""
        reading, writing = os.pipe()
        self._selector.register(reading, selectors.EVENT_READ, Stream(name, reading))
        return writing

    def close_in_child(self) -> None:
        """What is the launcher's own is none of a worker's business."""
        for stream in self._all():
            os.close(stream.descriptor)

    def read(self, stream: Stream) -> None:
        """Take what a worker has printed."""
        if not stream.read():
            self._selector.unregister(stream.descriptor)
            os.close(stream.descriptor)

    def drain(self) -> None:
        """Take what is left when the workers are gone."""
        for stream in self._all():
            self.read(stream)

    def _all(self) -> list[Stream]:
        keys = self._selector.get_map().values()
        return [key.data for key in keys if isinstance(key.data, Stream)]
