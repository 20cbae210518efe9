"""Requests that are answered as things happen, for as long as somebody listens."""

from __future__ import annotations

import logging
import math
import threading
from typing import Any

from ..errors import Cancelled, Refusal
from ..work import Work
from .answer import Answer, refused
from .jobs import Send
from .table import Following

log = logging.getLogger(__name__)

AT_ONCE = 32
"""Each takes a thread that sleeps most of the time."""


class Follows:
    """`begin` and `cancel` are called from one thread."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._known: dict[int, Work] = {}

    def begin(self, header: dict[str, Any], following: Following) -> None:
        """Follow, in a thread of its own: a file system that hangs holds up nobody else."""
        number: int = header["id"]
        if len(self._known) >= AT_ONCE:
            self._send(number, refused(_too_many()))
            return
        work = self._known[number] = Work(0, math.inf)
        arguments = (number, following, header["arguments"], work)
        threading.Thread(target=self._follow, args=arguments, daemon=True).start()

    def cancel(self, number: int) -> None:
        """Nobody listens any more."""
        work = self._known.get(number)
        if work is not None:
            work.cancel()

    def _follow(
        self, number: int, following: Following, arguments: dict[str, str], work: Work
    ) -> None:
        def tell(answer: Answer) -> None:
            work.check()
            self._send(number, answer, more=True)

        try:
            following(arguments, work, tell)
        except Cancelled:
            pass
        except Refusal as refusal:
            self._send(number, refused(refusal))
        except Exception:
            log.exception("hpcbinder.slicer: %s", arguments)
            self._send(number, refused(_broken()))
        finally:
            self._known.pop(number, None)


def _too_many() -> Refusal:
    return Refusal(
        429, f"{AT_ONCE} pages follow files already.", "Close one that you do not need.", "busy"
    )


def _broken() -> Refusal:
    return Refusal(
        500, "The file can no longer be followed; the server's log says why.", "Open it again."
    )
