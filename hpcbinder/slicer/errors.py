"""What a request can be refused for: the status, and sentences that a scientist can read."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """A request is not answered, and this is why.

    `sentence` says what is wrong, `advice` what to do; `kind` is one word for programs.
    """

    def __init__(self, status: int, sentence: str, advice: str = "", kind: str = "") -> None:
        super().__init__(status, sentence, advice, kind)
        self.status = status
        self.sentence = sentence
        self.advice = advice
        self.kind = kind

    def as_dict(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"message": self.sentence, "advice": self.advice, "reason": self.kind}

    def __str__(self) -> str:
        return f"{self.sentence} {self.advice}".strip()


def wrong(parameter: str, sentence: str, advice: str = "") -> Refusal:
    """A request that one of its parameters is wrong in."""
    advice = advice or "Correct this part of the address."
    return Refusal(400, f"{parameter}: {sentence}", advice, "parameter")


class Cancelled(Exception):
    """Nobody waits for the answer any more: the work on it ends here, and nothing is told."""
