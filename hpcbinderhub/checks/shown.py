"""Findings as an admin reads them, and as programs do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from .finding import Finding, Looked, Outcome

SIGNS = {Outcome.OK: "✓", Outcome.WARNING: "!", Outcome.FAILED: "✗", Outcome.SKIPPED: "-"}


def as_text(looked: Sequence[Looked]) -> str:
    """One line for each finding; below a failure, what to change."""
    lines: list[str] = []
    for one in looked:
        lines += [one.matter, *(line for finding in one.findings for line in _lines(finding)), ""]
    return "\n".join([*lines, summary(looked)])


def summary(looked: Sequence[Looked]) -> str:
    """How many of each."""
    count = Counter(finding.outcome for one in looked for finding in one.findings)
    return ", ".join(f"{count[outcome]} {outcome.value}" for outcome in Outcome)


def as_json(looked: Sequence[Looked]) -> str:
    """The same for programs."""
    rows = [{"matter": one.matter, **asdict(finding)} for one in looked for finding in one.findings]
    return json.dumps({"failed": any(one.failed for one in looked), "findings": rows}, indent=2)


def _lines(finding: Finding) -> Iterator[str]:
    yield f"  {SIGNS[finding.outcome]} {_plain(finding.what)}: {_plain(finding.sentence)}"
    if finding.advice:
        yield f"      what to change: {_plain(finding.advice)}"


def _plain(text: str) -> str:
    """Others' words may hold what a terminal would take for a command."""
    return "".join(c if c.isprintable() else " " for c in text)
