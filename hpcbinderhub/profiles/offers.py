"""What a profile offers to choose from: named values, and numbers between two limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, model_validator

from ..errors import UserError
from .choices import Name

_NO_NAME = "“{}” is no name: give it one, as in {{'fast': '{}'}}"


def _one_word(text: str) -> str:
    """Slurm's own syntax of features and names, which is the admin's to write."""
    if not re.fullmatch(r"[A-Za-z0-9_.:&|*()\[\],+@/-]*", text) or text.startswith("-"):
        raise ValueError(f"“{text}” holds what no name or feature expression of Slurm's has")
    return text


SlurmWord = Annotated[str, AfterValidator(_one_word)]


class Choice(RootModel[Mapping[Name, SlurmWord]]):
    """Values by the names under which they are offered, the first being the default.

    Written as one value, `'gpu'`; as a list, `['gpu', 'gpu-big']`; or with names of their own,
    `{'any': '', 'fast': 'skylake&ib'}`, where an empty value leaves the option out.
    """

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """A value that is a name stands for itself."""
        values = [given] if isinstance(given, str) else given
        if not isinstance(values, (list, tuple)):
            return given
        for value in values:
            if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", str(value)):
                raise ValueError(_NO_NAME.format(value, value))
        return {value: value for value in values}

    @property
    def names(self) -> tuple[str, ...]:
        """Under which its values are offered."""
        return tuple(self.root)

    @property
    def default(self) -> str | None:
        """The name that counts if the user says none."""
        return next(iter(self.root), None)

    def value(self, name: str | None, what: str, title: str) -> str:
        """What Slurm is told for a name: nothing if it is empty. One that is not offered is
        refused, never replaced."""
        wanted = self.default if name is None else name
        if wanted is None:
            return ""
        if wanted not in self.root:
            raise UserError(
                f"The profile “{title}” does not offer the {what} “{wanted}”.",
                f"It offers {', '.join(self.root) or 'none'}. "
                "Leave it out, or choose another profile.",
            )
        return self.root[wanted]


class Offer(BaseModel):
    """One thing to choose, for whoever shows a form: a field of `Choices`, and what it takes."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="The field of a launch, and the word in a link.")
    default: int | str = Field(description="What counts if it is left out.")
    least: int | None = Field(default=None, description="Of a number.")
    most: int | None = Field(default=None, description="Of a number.")
    values: tuple[str, ...] = Field(default=(), description="All that is offered, if not a number.")


class Range(NamedTuple):
    """A number that is offered: a field of `Choices`, what it is called, and its limits."""

    field: str
    what: str
    usual: int
    least: int
    most: int

    def value(self, wanted: int | None, title: str) -> int:
        """A number within the limits, or a sentence that says which they are."""
        value = self.usual if wanted is None else wanted
        if not self.least <= value <= self.most:
            a_choice = self.least < self.most
            raise UserError(
                f"The profile “{title}” gives {self._given()}, not {value}.",
                f"{'Choose a value within the limit' if a_choice else 'Leave it out'}, "
                "or choose another profile.",
            )
        return value

    def _given(self) -> str:
        if self.least < self.most:
            return f"{self.least} to {self.most} {self.what}"
        if self.field == "memory_mb" and not self.most:
            return "all memory of its nodes"
        what = self.what.removesuffix("s") if self.most == 1 else self.what
        return f"{self.most or 'no'} {what}"
