"""Selections as text, in NumPy's spelling: `5`, `1, 2:5`, `0:10:5, :, 3`."""

from __future__ import annotations

from collections.abc import Sequence

from ..catalogue.loading import chosen
from ..errors import Refusal
from ..keys import parse_key


def parse(text: str | None, shape: Sequence[int]) -> tuple[int | slice, ...]:
    """The complete key; `Refusal` 422 where the peers fail with 500."""
    try:
        return chosen(parse_key(text or "", "selection"), shape)
    except Refusal as refusal:
        raise Refusal(422, refusal.sentence, refusal.advice, "selection") from None
