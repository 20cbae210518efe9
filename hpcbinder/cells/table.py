"""The rows of `--each`: a CSV file, or a table that is a variable of the notebook."""

from __future__ import annotations

import csv
import keyword
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import Refused

Row = dict[str, Any]


def rows(name: str, variables: Mapping[str, Any]) -> list[Row]:
    """The file of that name, or else the variable."""
    path = Path(name).expanduser()
    if path.is_file():
        found = _of_file(path)
    elif name in variables:
        found = _of_variable(name, variables[name])
    else:
        raise Refused(
            f"There is no file “{name}”, and no variable either.", f"Here is {path.cwd()}."
        )
    if not found:
        raise Refused(f"“{name}” has no rows.", "Below a line with names, each line is a row.")
    for column in found[0]:
        if not str(column).isidentifier() or keyword.iskeyword(column):
            raise Refused(
                f"The column “{column}” of “{name}” can be no variable.",
                "Name it with letters, digits and underscores, such as “depth_m”.",
            )
    return found


def _of_file(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        found = []
        for row in reader:
            if None in row or None in row.values():
                raise Refused(
                    f"Line {reader.line_num} of {path} has more or fewer values than names.",
                    "Put values that hold commas into quotation marks.",
                )
            found.append({name.strip(): _value(text) for name, text in row.items()})
    return found


def _of_variable(name: str, table: Any) -> list[Row]:
    if hasattr(table, "to_dict"):
        # A table of pandas.
        return [dict(row) for row in table.to_dict("records")]
    if isinstance(table, Iterable):
        found = list(table)
        if all(isinstance(row, Mapping) for row in found):
            return [dict(row) for row in found]
    raise Refused(f"“{name}” is no table.", "A DataFrame or a list of dictionaries is one.")


def _value(text: str) -> Any:
    """A number if it reads as one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.strip().lower(), text)
