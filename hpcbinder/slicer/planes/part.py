"""Which numbers of a value are shown: a field of a compound one, a part of a complex one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import Refusal, wrong
from .source import Array

COMPLEX = ("abs", "real", "imaginary", "phase")


@dataclass(frozen=True)
class Part:
    """The way from a stored value to one number: through fields, then one of `COMPLEX`."""

    fields: tuple[str, ...]
    of_complex: str
    stored: np.dtype[Any]
    """The type of the field, as stored."""

    @property
    def name(self) -> str:
        return "/".join((*self.fields, self.of_complex) if self.of_complex else self.fields)

    @property
    def whole_numbers(self) -> bool:
        return self.stored.kind in "biu"

    def of(self, values: Array) -> Array:
        """Numbers that NumPy and browsers compute with; the values themselves wherever they can
        be, nothing is written into them."""
        for field in self.fields:
            values = values[field]
        if self.of_complex:
            values = _of_complex(values, self.of_complex)
        if not values.dtype.isnative:
            values = values.astype(values.dtype.newbyteorder("="))
        if values.dtype.kind == "b":
            return values.view(np.uint8)
        if values.dtype.kind == "f" and values.dtype.itemsize == 2:
            return values.astype(np.float32)
        if values.dtype.kind == "f" and values.dtype.itemsize > 8:
            return values.astype(np.float64)
        return values


def resolve(dtype: np.dtype[Any], asked: str) -> Part:
    """The part that is asked for; without a word, the first one that can be drawn."""
    fields, rest, dtype = _descend(dtype, asked)
    if dtype.names is not None:
        fields, dtype = _first_field(fields, dtype)
    if dtype.kind == "c":
        part = rest or COMPLEX[0]
        if part not in COMPLEX:
            raise _unknown(part, COMPLEX)
        return Part(fields, part, dtype)
    if dtype.kind not in "biuf" or dtype.shape:
        raise Refusal(
            400,
            f"Values of the type {describe(dtype)} cannot be drawn.",
            "Look at them in the table.",
            "type",
        )
    if rest:
        sentence = f"“{rest[:80]}” is no part of values of the type {describe(dtype)}."
        raise wrong("part", sentence, "Leave it out.")
    return Part(fields, "", dtype)


def describe(dtype: np.dtype[Any]) -> str:
    """A type in words."""
    if dtype.names is not None:
        return "compound"
    return {"O": "variable length or reference", "S": "text", "U": "text", "V": "opaque"}.get(
        dtype.kind, str(dtype)
    )


def _descend(dtype: np.dtype[Any], asked: str) -> tuple[tuple[str, ...], str, np.dtype[Any]]:
    """Names of fields may hold slashes themselves: the longest one that fits is taken."""
    fields: tuple[str, ...] = ()
    rest = asked
    while rest and dtype.names is not None:
        fitting = [name for name in dtype.names if rest == name or rest.startswith(name + "/")]
        if not fitting:
            raise _unknown(rest, dtype.names)
        name = max(fitting, key=len)
        fields, rest, dtype = (*fields, name), rest[len(name) + 1 :], dtype[name]
    return fields, rest, dtype


def _first_field(
    fields: tuple[str, ...], dtype: np.dtype[Any]
) -> tuple[tuple[str, ...], np.dtype[Any]]:
    for name in dtype.names or ():
        inner = dtype[name]
        if inner.names is not None:
            try:
                return _first_field((*fields, name), inner)
            except Refusal:
                continue
        if inner.kind in "biufc" and not inner.shape:
            return (*fields, name), inner
    raise Refusal(
        400,
        "None of this compound type's fields is a number.",
        "Look at the values in the table.",
        "type",
    )


def _of_complex(values: Array, part: str) -> Array:
    if part == "real":
        return values.real
    if part == "imaginary":
        return values.imag
    with np.errstate(all="ignore"):
        return np.angle(values) if part == "phase" else np.abs(values)


def _unknown(part: str, known: tuple[str, ...]) -> Refusal:
    names = ", ".join(known[:20])
    return wrong("part", f"There is no “{part[:80]}” here.", f"There are: {names}.")
