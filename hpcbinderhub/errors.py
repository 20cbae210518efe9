"""Errors that a user caused, or can do something about.

Each carries a sentence that says what is wrong and one that says what to do; pages, the API and
the command line show both and add nothing.
"""

from __future__ import annotations


class UserError(Exception):
    """Something the user should read.

    `message` says what is wrong, `advice` what to do, `detail` is the other side's own words
    (Slurm's, Git's, the builder's), shown as they are. `status` is the HTTP status that fits.
    """

    def __init__(self, message: str, advice: str = "", *, detail: str = "", status: int = 400):
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.detail = detail
        self.status = status

    def as_dict(self) -> dict[str, str]:
        """The three texts, for an event or an API answer."""
        return {"message": self.message, "advice": self.advice, "detail": self.detail}

    def as_text(self) -> str:
        """The three texts as lines: message, advice, and whatever the other side said."""
        return "\n".join(part for part in (self.message, self.advice, self.detail) if part)

    @classmethod
    def from_text(cls, text: str, status: int = 400) -> UserError:
        """What `as_text` made, read back after it passed through JupyterHub."""
        message, _, rest = text.partition("\n")
        advice, _, detail = rest.partition("\n")
        return cls(
            message, advice or "Launch again from the launch page.", detail=detail, status=status
        )

    def __str__(self) -> str:
        return self.as_text().replace("\n", " ")


def defect() -> UserError:
    """All that a user is told of a defect of ours; the log has the rest."""
    return UserError(
        "Something went wrong on our side.",
        "Try again; if it goes on, tell your help desk.",
        status=500,
    )


class NotFound(UserError):
    """What was asked for does not exist, or not for this user."""

    def __init__(self, message: str, advice: str = "", *, detail: str = ""):
        super().__init__(message, advice, detail=detail, status=404)


class NotAllowed(UserError):
    """It exists, but this user may not have it."""

    def __init__(self, message: str, advice: str = "", *, detail: str = ""):
        super().__init__(message, advice, detail=detail, status=403)


class TooManyRequests(UserError):
    """Allowed, but not now; `retry_after` seconds from now."""

    def __init__(self, message: str, advice: str, *, retry_after: int):
        super().__init__(message, advice, status=429)
        self.retry_after = retry_after


class Unavailable(Exception):
    """A part of the system did not answer: nothing is known, and nothing must be concluded."""
