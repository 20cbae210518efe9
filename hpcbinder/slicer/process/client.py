"""The one reading process, as the Jupyter server asks it: started at its first use, and again."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import Refusal
from .asked import Asked, Reply, Request
from .channel import Channel
from .settings import Settings
from .starting import Started, refuse_without_libraries, start

GRACE_SECONDS = 10.0
"""After its time is over, a request ends itself; a process in which it does not is stuck."""
START_SECONDS = 120.0
"""Python's imports, from a file system that a thousand others start from."""
LITTLE = 1 << 20
"""An answer that is no longer is let through whatever browsers have not taken: a slider goes on
beside a download that crawls. Of these, the number of requests is bound enough."""
DEATHS = 5
WITHIN_SECONDS = 60.0


@dataclass(frozen=True)
class Bounds:
    """What may be under way at once."""

    requests: int
    """That wait for an answer or are being answered."""
    bytes: int
    """Of answers that browsers have not taken yet."""


class Client:
    """All of it belongs to the event loop's thread."""

    def __init__(
        self,
        settings: Settings,
        bounds: Bounds,
        warn: Callable[[str], None],
        starting: Callable[[], Started] = start,
    ) -> None:
        self.settings = settings
        self._starting = starting
        self._bounds = bounds
        self._warn = warn
        self._numbers = itertools.count(1)
        self._asked: dict[int, Asked] = {}
        self._overdue: dict[int, asyncio.TimerHandle] = {}
        self._channel: Channel | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths: deque[float] = deque(maxlen=DEATHS)
        self._may_start_until = 0.0
        self._mourning: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """Of the reading process, while there is one."""
        return self._process.pid if self._process is not None else None

    def ask(self, request: Request) -> Asked:
        """Send a request; `Refusal` 429 if too much is under way, 503 if the process only dies."""
        self._refuse_too_much()
        if self._channel is None:
            refuse_without_libraries()
            if self._dies_too_often():
                raise _dying()
            self._begin()
        asked = Asked(next(self._numbers), request, self._send, self._forget)
        self._asked[asked.number] = asked
        self._send(request.header(asked.number))
        return asked

    async def stop(self) -> None:
        """With the server."""
        process = self._process
        if self._channel is not None:
            self._channel.close()
        self._channel = self._process = None
        for number in list(self._overdue):
            self._on_time(number)
        if process is not None:
            process.kill()
            await asyncio.to_thread(process.wait)

    def _send(self, header: dict[str, Any]) -> None:
        if self._channel is None:
            return
        self._channel.send(header)
        asked = self._asked.get(header["id"])
        if asked is not None and not asked.request.follow and "cancel" not in header:
            self._watch(asked.number)

    def _watch(self, number: int) -> None:
        seconds = self.settings.seconds + GRACE_SECONDS
        loop = asyncio.get_running_loop()
        self._overdue[number] = loop.call_later(seconds, self._stuck, number)

    def _begin(self) -> None:
        started = self._starting()
        self._may_start_until = time.monotonic() + START_SECONDS
        self._process = started.process
        self._channel = Channel(
            started.connection, self.settings.answer_bytes, self._arrived, self._ended
        )
        self._channel.send(self.settings.as_dict())

    def _arrived(self, header: dict[str, Any], body: bytearray) -> None:
        number = header["id"]
        self._may_start_until = 0.0
        self._on_time(number)
        asked = self._asked.get(number)
        if asked is None:
            return
        if self._is_too_much(len(body)):
            # Many may have asked before the first answer came, and then take none of them.
            if header["more"]:
                self._send({"id": number, "cancel": True})
            asked.came(_busy())
        else:
            asked.came(
                Reply(header["status"], header["type"], header["headers"], body, header["more"])
            )

    def _forget(self, asked: Asked) -> None:
        self._on_time(asked.number)
        self._asked.pop(asked.number, None)

    def _on_time(self, number: int) -> None:
        timer = self._overdue.pop(number, None)
        if timer is not None:
            timer.cancel()

    def _stuck(self, number: int) -> None:
        """Something in the process neither answers nor looks at the clock, and may hold a lock."""
        asked = self._asked.get(number)
        if asked is not None and time.monotonic() < self._may_start_until:
            self._watch(number)
        elif asked is not None and self._channel is not None:
            asked.came(_overdue(self.settings.seconds))
            self._channel.close()
            self._ended()

    def _ended(self) -> None:
        """The process is gone or has to go: who waits is told, and the next one starts another."""
        process, self._process, self._channel = self._process, None, None
        waiting = [asked for asked in self._asked.values() if not asked.finished]
        for asked in waiting:
            self._on_time(asked.number)
        self._deaths.append(time.monotonic())
        if process is not None:
            task = asyncio.get_running_loop().create_task(self._mourn(process, waiting))
            self._mourning.add(task)
            task.add_done_callback(self._mourning.discard)

    async def _mourn(self, process: subprocess.Popen[bytes], waiting: list[Asked]) -> None:
        if process.poll() is None:
            # It closed its socket, or is stuck: what it died of is not known by its end then.
            await asyncio.to_thread(_wait_a_moment, process)
        refusal = died(process.returncode)
        self._warn(f"hpcbinder.slicer: {refusal.sentence}")
        for asked in waiting:
            asked.came(refusal)

    def _dies_too_often(self) -> bool:
        full = len(self._deaths) == DEATHS
        return full and time.monotonic() - self._deaths[0] < WITHIN_SECONDS

    def _refuse_too_much(self) -> None:
        if len(self._asked) >= self._bounds.requests or self._held() > self._bounds.bytes:
            raise _busy()

    def _is_too_much(self, nbytes: int) -> bool:
        """Beside what is held already; a single answer may be longer than the bound."""
        held = self._held()
        return nbytes > LITTLE and held > 0 and held + nbytes > self._bounds.bytes

    def _held(self) -> int:
        return sum(asked.held for asked in self._asked.values())


def _wait_a_moment(process: subprocess.Popen[bytes]) -> None:
    """Who closes the socket ends right after; who does not is ended."""
    try:
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def died(code: int | None) -> Refusal:
    """What to say of a process that ended like this."""
    how = {
        -9: "was ended by the system, most likely for want of memory, or because it did not answer",
        -11: "crashed, as a damaged file or a faulty filter can make it",
        -7: "crashed: the file was cut short while it was read, or its disk does not answer",
    }.get(code or 0, f"ended (code {code})")
    return Refusal(
        503,
        f"The process that reads files {how}.",
        "It is started again at once: try again.",
        "restarted",
    )


def _overdue(seconds: float) -> Refusal:
    return Refusal(
        504,
        f"Reading did not end within {seconds:g} seconds, and could not be interrupted.",
        "The file system may not answer; try again, or ask for a smaller part.",
        "stuck",
    )


def _busy() -> Refusal:
    return Refusal(
        429,
        "Too many pictures are asked for at once, or not taken by the browser.",
        "Wait a moment, or close a panel.",
        "busy",
    )


def _dying() -> Refusal:
    return Refusal(
        503,
        f"The process that reads files ended {DEATHS} times within a minute.",
        "Wait a minute and try again; the server's log says what it died of.",
        "dying",
    )
