"""What the reading process can do, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..work import Work
from .answer import Answer

Arguments = dict[str, str]
Operation = Callable[[Arguments, Work], Answer]
Tell = Callable[[Answer], None]
Following = Callable[[Arguments, Work, Tell], None]
"""Tells as things happen, until `work` is cancelled."""


@dataclass(frozen=True)
class Operations:
    """Those that are answered once (in parts, if need be), and those that go on."""

    answered: dict[str, Operation]
    followed: dict[str, Following] = field(default_factory=dict)
