"""How an operation is described: once, for the check of its parameters and for OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import Refusal

JSON = "application/json"

LONGEST = 8192


def must_be_plain(name: str, value: str) -> None:
    """`Refusal` 400 for what no parameter can be, whatever it is about."""
    if "\0" in value or len(value) > LONGEST:
        raise cannot_be(name, value, f"It has a zero byte, or more than {LONGEST} characters.")


def cannot_be(name: str, value: str, advice: str) -> Refusal:
    """Why a parameter is refused."""
    return Refusal(400, f"“{value[:80]}” cannot be the parameter “{name}”.", advice, "parameter")


@dataclass(frozen=True)
class Parameter:
    """One of a request's parameters. What is said of it here is checked before anything is read."""

    name: str
    help: str
    type: str = "string"
    """`string`, `integer` or `number`, as JSON Schema has it."""
    required: bool = False
    values: tuple[str, ...] = ()
    """Nothing else, where it is one of a few words."""
    example: str = ""

    def check(self, value: str) -> None:
        """`Refusal` 400 if it cannot be that."""
        must_be_plain(self.name, value)
        if self.values and value not in self.values:
            raise cannot_be(self.name, value, f"It is one of {', '.join(self.values)}.")
        if self.type in ("integer", "number"):
            try:
                int(value) if self.type == "integer" else float(value)
            except ValueError:
                raise cannot_be(self.name, value, f"It is of the type {self.type}.") from None


@dataclass(frozen=True)
class Operation:
    """What may be asked with GET at `path`, and what comes back."""

    path: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    notes: str = ""
    answers: Mapping[str, str] = field(default_factory=lambda: {JSON: "See the summary."})
    """Media types, and what they hold."""
    do: str = ""
    """The reading process's name for it, where that is not its path."""
    quick: bool = True
    """Takes no more than a picture does."""

    def checked(self, given: Mapping[str, str]) -> dict[str, str]:
        """The parameters that it knows; others are none of its business, as Jupyter adds some."""
        known = {}
        for parameter in self.parameters:
            value = given.get(parameter.name, "")
            if value:
                parameter.check(value)
            elif parameter.required:
                raise Refusal(
                    400,
                    f"The parameter “{parameter.name}” is missing.",
                    parameter.help,
                    "parameter",
                )
            if parameter.name in given:
                known[parameter.name] = value
        return known
