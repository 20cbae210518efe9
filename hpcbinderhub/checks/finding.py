"""What a check found: a sentence that says what is so, and one that says what to change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .ground import Ground


Look: TypeAlias = "Callable[[Ground], AsyncIterator[Finding]]"


class Outcome(StrEnum):
    """How it stands."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    outcome: Outcome
    sentence: str
    advice: str = ""
    """What to change; a failure always has it."""


@dataclass(frozen=True)
class Matter:
    """One row of the table. What it `needs` is tried before; if that failed, it is skipped."""

    name: str
    purpose: str
    look: Look
    needs: tuple[str, ...] = ()
    seconds: float = 60
    applies: Callable[[Ground], str] | None = None
    """Why it cannot be tried here, or an empty string."""


@dataclass(frozen=True)
class Looked:
    """A matter, and all that was found about it."""

    matter: str
    findings: tuple[Finding, ...]
    held_up: bool = False
    """Whether it was not tried because of another one."""

    @property
    def failed(self) -> bool:
        """Whether something has to be changed."""
        return any(finding.outcome is Outcome.FAILED for finding in self.findings)


def ok(what: str, sentence: str) -> Finding:
    """As it should be."""
    return Finding(what, Outcome.OK, sentence)


def warning(what: str, sentence: str, advice: str) -> Finding:
    """It works, and an admin should know."""
    return Finding(what, Outcome.WARNING, sentence, advice)


def failed(what: str, sentence: str, advice: str) -> Finding:
    """It does not work, or is not safe."""
    return Finding(what, Outcome.FAILED, sentence, advice)


def skipped(what: str, sentence: str) -> Finding:
    """It was not tried, and why."""
    return Finding(what, Outcome.SKIPPED, sentence)
