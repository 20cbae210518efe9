"""The last event of a build that was ended, or ended itself, before it was done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hpcbinderhub.builds.causes import MAX_LINES, Log, no_space, shorten
from hpcbinderhub.builds.request import Cause, FailedEvent, Limits
from hpcbinderhub.errors import UserError

ASK = "or ask your site's admin for a higher limit."


def timed_out(lines: Sequence[str], seconds: float) -> FailedEvent:
    """It took too long."""
    return _ended(
        "timeout",
        f"The build was stopped after {seconds:.0f} seconds, which is this site's limit.",
        f"Make the environment smaller or postBuild shorter, {ASK}",
        lines,
    )


def too_large(lines: Sequence[str], added: int, limit: int) -> FailedEvent:
    """It filled too much of the disk."""
    return _ended(
        "over-limit",
        f"The build used {added / 1e9:.1f} GB of disk; this site allows {limit / 1e9:.1f} GB.",
        f"Make the environment smaller, {ASK}",
        lines,
    )


def too_much(
    lines: Sequence[str], what: Literal["memory", "processes"], limits: Limits
) -> FailedEvent:
    """Its steps had too much of something at once."""
    if what == "memory":
        return _ended(
            "out-of-memory",
            f"The build's steps needed more than {limits.memory_bytes / 1e9:.1f} GB of memory, "
            "which is this site's limit.",
            f"Build with less at once (fewer parallel compiler jobs), {ASK}",
            lines,
        )
    return _ended(
        "over-limit",
        f"The build's steps started {limits.processes} processes and threads at once, which is "
        "this site's limit.",
        f"Look for what starts so many in postBuild or the Dockerfile, {ASK}",
        lines,
    )


def too_talkative(lines: Sequence[str], log_bytes: int) -> FailedEvent:
    """It printed without end."""
    return _ended(
        "over-limit",
        "The build printed far more than this site keeps of a log, which is "
        f"{log_bytes / 1e6:.1f} MB.",
        "Have the step that prints so much write to a file, or run it quietly.",
        lines,
    )


def refused(lines: Sequence[str], error: UserError) -> FailedEvent:
    """Something of ours would not go on; if that was for a full disk, it may later."""
    cause: Cause = "no-space" if no_space(Log.of(lines)) else "internal"
    return _ended(cause, error.message, error.advice, lines)


def crashed(lines: Sequence[str]) -> FailedEvent:
    """It ended without a word."""
    return _ended(
        "internal",
        "The builder's process ended before the build did.",
        "Try again; if it stays so, ask your site's admin.",
        lines,
    )


def _ended(cause: Cause, message: str, advice: str, lines: Sequence[str]) -> FailedEvent:
    last = shorten(lines[-MAX_LINES:])
    return FailedEvent(cause=cause, message=message, advice=advice, lines=last)
