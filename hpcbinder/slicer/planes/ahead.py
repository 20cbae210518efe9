"""The pictures that come next while somebody drags a slider, made before they are asked for.

One thread makes them while no request is being answered. Whoever asks for the one that is being
made gets it when it is done; whoever asks for another one ends it.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from weakref import ref

from ..errors import Cancelled, Refusal
from ..work import Work
from .rendering import etag, render
from .request import PlaneRequest
from .source import Source
from .wire import Plane

log = logging.getLogger(__name__)

DEPTH = 2
"""How many are made. More would be thrown away when the hand turns around."""
MOST_BYTES = 16 << 20
SECONDS = 10.0
"""How long one may take."""
PATIENCE = 1.0
"""How long a request waits for what is being made, until it makes it itself."""

Key = tuple[int, str]
Reading = Callable[[Work], AbstractContextManager[Source]]
"""The data set, while its file stays open for it."""


@dataclass
class Coming:
    """A picture that is likely to be asked for."""

    request: PlaneRequest
    reading: Reading
    work: Work
    key: Key | None = None


class Ahead:
    """One for all requests."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._made: OrderedDict[Key, tuple[ref[Any], Plane]] = OrderedDict()
        self._coming: deque[Coming] = deque()
        self._making: Coming | None = None
        self._answered = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def plane(self, reader: Source, request: PlaneRequest, work: Work) -> Plane:
        """What was made ahead, or else made now and before everything else."""
        made = self._found(reader, request)
        if made is not None:
            return made
        with self._before_all():
            return render(reader, request, work)

    def follow(
        self, reader: Source, request: PlaneRequest, axis: int, direction: int, reading: Reading,
        budget: int,
    ) -> None:  # fmt: skip
        """The next ones along an axis are likely; nothing of an earlier call is."""
        if not reader.verified:
            # It may change without another tag.
            return
        coming: deque[Coming] = deque()
        for far in range(1, DEPTH + 1):
            index = request.at[axis] + (far if direction > 0 else -far)
            if 0 <= index < reader.shape[axis]:
                at = (*request.at[:axis], index, *request.at[axis + 1 :])
                moved = replace(request, at=at)
                coming.append(Coming(moved, reading, Work(budget, SECONDS)))
        with self._changed:
            self._coming = coming
            if self._thread is None:
                self._thread = threading.Thread(target=self._make, name="ahead", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _found(self, reader: Source, request: PlaneRequest) -> Plane | None:
        if not self._made and self._making is None:
            return None
        key = (id(reader), etag(reader, request))
        with self._changed:
            making = self._making
            if making is not None and making.key == key:
                self._changed.wait_for(lambda: self._making is not making, PATIENCE)
            return self._kept(key, reader)

    @contextmanager
    def _before_all(self) -> Iterator[None]:
        with self._changed:
            self._answered += 1
            self._coming.clear()
            if self._making is not None:
                self._making.work.cancel()
        try:
            yield
        finally:
            with self._changed:
                self._answered -= 1
                self._changed.notify_all()

    def _make(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._coming and not self._answered)
                making = self._making = self._coming.popleft()
            try:
                self._make_one(making)
            except (Cancelled, Refusal, MemoryError):
                # Whoever asks for it will be told why.
                pass
            except Exception:
                log.exception("hpcbinder.slicer: a picture that was to come")
            with self._changed:
                self._making = None
                self._changed.notify_all()
            # Neither the picture nor its file is held until the next one comes.
            del making

    def _make_one(self, making: Coming) -> None:
        with making.reading(making.work) as reader:
            key = (id(reader), etag(reader, making.request))
            with self._changed:
                if self._kept(key, reader) is not None:
                    return
                making.key = key
            plane = render(reader, making.request, making.work)
            with self._changed:
                self._keep(key, reader, plane)

    def _kept(self, key: Key, reader: Source) -> Plane | None:
        of_reader, plane = self._made.get(key, (None, None))
        # Another reader may be where a former one was in memory.
        if of_reader is None or of_reader() is not reader:
            return None
        self._made.move_to_end(key)
        return plane

    def _keep(self, key: Key, reader: Source, plane: Plane) -> None:
        former = self._made.pop(key, None)
        self._bytes += len(plane.body) - (len(former[1].body) if former else 0)
        self._made[key] = ref(reader), plane
        while self._bytes > self._most_bytes:
            _, (_, oldest) = self._made.popitem(last=False)
            self._bytes -= len(oldest.body)
