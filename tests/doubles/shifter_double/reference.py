"""Image references: `[type:]descriptor` (contract 1)."""

import re
from dataclasses import dataclass

TYPES = ("docker", "custom", "id", "local")


@dataclass(frozen=True)
class Reference:
    """What the caller asked for, split and cleaned."""

    type: str
    descriptor: str

    def __str__(self) -> str:
        return f"{self.type}:{self.descriptor}"


def parse_reference(text: str, default_type: str) -> Reference | None:
    """Split and clean a reference; None when nothing usable is left of it."""
    type_, colon, descriptor = text.partition(":")
    if not colon or type_ not in TYPES:
        # Contract 1: without a known prefix the WHOLE string is the descriptor.
        type_, descriptor = default_type, text
    slash = "/" if type_ in ("docker", "local") else ""
    # Contract 1: every other character is silently dropped, not refused.
    descriptor = re.sub(rf"[^A-Za-z0-9_:.+@{slash}-]", "", descriptor)
    return Reference(type_, descriptor) if descriptor else None
