"""What a scientist reads when workers cannot be had."""

from __future__ import annotations


class WorkersError(RuntimeError):
    """What is wrong, what to do, and Slurm's own words if there are any."""

    def __init__(self, message: str, advice: str = "", detail: str = "", status: int = 0) -> None:
        super().__init__("\n".join(part for part in (message, advice, detail) if part))
        self.message = message
        self.advice = advice
        self.detail = detail
        self.status = status


class Unreachable(WorkersError):
    """Whoever was asked does not answer just now; what was known goes on to be true."""


class NotYet(WorkersError, TimeoutError):
    """What was waited for has not come in time."""
