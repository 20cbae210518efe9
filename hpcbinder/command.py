"""What is the same for every command that a job runs: how it is stopped, and how it says why."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import NoReturn

from .report import Exit, Stop, say


def run(work: Callable[[], int], what: str) -> int:
    """The exit code of `work`, which starts `what` and may become it."""

    def stopped(number: int, _: object) -> NoReturn:
        name = signal.Signals(number).name
        say("start", f"Stopped by {name} before {what} had started.")
        raise SystemExit(128 + number)

    # What we write of our own may hold secrets.
    os.umask(0o077)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stopped)
    # An engine's own programs had to be kept from ending before us.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
    try:
        return work()
    except Stop as stop:
        say(stop.phase, str(stop))
        return stop.code
    except Exception:
        import traceback

        # Printed line by line through `say`, which hides the secrets that others' words may quote.
        for line in traceback.format_exc().splitlines():
            say("start", line)
        say("start", "This should not have happened: tell the site's administrators.")
        return Exit.UNEXPECTED
