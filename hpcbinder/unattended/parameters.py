"""Parameters of a notebook, as Papermill marks them: a cell with the tag `parameters` has their
defaults, and one with the tag `injected-parameters` behind it has others."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

DEFAULTS, INJECTED = "parameters", "injected-parameters"


class BadParameter(ValueError):
    """What is wrong with a parameter, and what there is."""


def value(text: str) -> Any:
    """What a word of the command line stands for: a number, true, false, null, a list or an object
    as in JSON; anything else is text."""
    try:
        return json.loads(text, parse_constant=_no_json)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(text, text)


def _no_json(word: str) -> NoReturn:
    """Python's reader takes NaN and Infinity, and Python itself does not know these words."""
    raise ValueError(word)


def with_parameters(
    cells: Sequence[Mapping[str, Any]], given: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The cells, with one more that sets what is given. A name that the notebook does not have is
    refused: it would change nothing, and nobody would notice."""
    kept = [dict(cell) for cell in cells if INJECTED not in _tags(cell)]
    if not given:
        return kept
    places = [place for place, cell in enumerate(kept) if DEFAULTS in _tags(cell)]
    if not places:
        raise BadParameter(
            f"The notebook has no parameters. Give the cell that sets them the tag “{DEFAULTS}”."
        )
    known = names(str(kept[places[0]]["source"]))
    for name in given:
        if name not in known:
            raise BadParameter(
                f"The notebook has no parameter “{name}”. It has {', '.join(known) or 'none'}."
            )
    lines = [f"{name} = {wanted!r}" for name, wanted in given.items()]
    added = {
        "cell_type": "code",
        "metadata": {"tags": [INJECTED]},
        "source": "\n".join(["# Parameters", *lines]),
        "outputs": [],
        "execution_count": None,
    }
    return [*kept[: places[0] + 1], added, *kept[places[0] + 1 :]]


def names(source: str) -> list[str]:
    """The variables that a cell sets."""
    found = []
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise BadParameter(
            f"The cell with the tag “{DEFAULTS}” is no plain Python ({error.msg}, line "
            f"{error.lineno}). Put nothing into it but the variables."
        ) from None
    for statement in statements:
        targets: list[Any] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        found += [target.id for target in targets if isinstance(target, ast.Name)]
    return found


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", []))
