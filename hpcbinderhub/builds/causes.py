from __future__ import annotations
from dataclasses import dataclass
from typing import Literal

Cause = Literal["internal", "timeout", "no-space"]


@dataclass(frozen=True)
class Failure:
    cause: Cause
    message: str
    advice: str
    lines: tuple[str, ...] = ()

    def event(self):
        from hpcbinderhub.builds.request import FailedEvent

        return FailedEvent(
            cause=self.cause, message=self.message, advice=self.advice, lines=self.lines
        )


def diagnose(lines, error):
    import traceback

    traceback.print_exception(error)
    return Failure("internal", repr(error), "", tuple(lines[-30:]))


def crashed(lines):
    return Failure("internal", "crash", "", tuple(lines))


def timed_out(lines, s):
    return Failure("timeout", "t", "", tuple(lines)[-5:])
