"""Settings that are not there: a word that is misspelt does nothing, and nobody would notice.

The files are Python, so which line says a word is read from their source. What only shows when they
run, in a loop for one, `Site` refuses by its name alone.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from traitlets import TraitError

from ..profiles import Profile

PROFILES = "profiles"


def check_spelling(paths: Iterable[Path], settings: Collection[str]) -> None:
    """Refuse files that set what `c.Site` does not have, or a field that no profile has."""
    for path in paths:
        for line, words in sorted(misspelt(path.read_text(), settings)):
            raise TraitError(f"{path}, line {line}: {words}")


def misspelt(source: str, settings: Collection[str]) -> Iterator[tuple[int, str]]:
    """Lines and what is wrong with them. A file that is no Python is left to whoever runs it."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return
    for node in nodes:
        if isinstance(node, ast.Attribute) and _is_site(node.value) and node.attr not in settings:
            yield node.lineno, unknown(node.attr, settings)
        if isinstance(node, ast.Assign) and any(map(_is_profiles, node.targets)):
            yield from _in_profiles(node.value)


def unknown(name: str, settings: Collection[str]) -> str:
    """What is said of a setting that is not there."""
    return f"there is no c.Site.{name}.{_meant(name, settings)}"


def _in_profiles(value: ast.expr) -> Iterator[tuple[int, str]]:
    """Of a list of dictionaries, as far as it is written out."""
    profiles = value.elts if isinstance(value, ast.List) else []
    for number, profile in enumerate(profiles, start=1):
        for key in profile.keys if isinstance(profile, ast.Dict) else ():
            name = str(key.value) if isinstance(key, ast.Constant) else ""
            if key and name and name not in Profile.model_fields:
                meant = _meant(name, Profile.model_fields)
                yield key.lineno, f"Profile number {number} has no field “{name}”.{meant}"


def _is_site(node: ast.expr) -> bool:
    """Whether this is `c.Site`."""
    named = isinstance(node, ast.Attribute) and node.attr == "Site"
    return named and isinstance(node.value, ast.Name)  # type: ignore[attr-defined]


def _is_profiles(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == PROFILES and _is_site(node.value)


def _meant(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f" Did you mean “{close[0]}”?" if close else ""
