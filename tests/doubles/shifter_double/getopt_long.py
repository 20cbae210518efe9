"""glibc's getopt_long with a leading '+': parsing stops at the first word that is no option.

Python's own getopt has no optional arguments, which `--entrypoint[=CMD]` and `-w[DIR]` need.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from .errors import UsageError


class Takes(Enum):
    """What an option does with a value."""

    NOTHING = 0
    REQUIRED = 1
    OPTIONAL = 2


@dataclass(frozen=True)
class Option:
    """One option; several spellings may share a name."""

    name: str
    takes: Takes


@dataclass(frozen=True)
class Syntax:
    """All options of one program: long spellings and single letters."""

    program: str
    long: Mapping[str, Option]
    short: Mapping[str, Option]


Parsed = tuple[list[tuple[str, str | None]], list[str]]


def parse(syntax: Syntax, argv: Sequence[str]) -> Parsed:
    """Return the (name, value) pairs in their order, and the words that follow the options."""
    found: list[tuple[str, str | None]] = []
    rest = list(argv)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            found.append(_long(syntax, word[2:], rest))
        else:
            found.extend(_letters(syntax, word[1:], rest))
    return found, rest


def _long(syntax: Syntax, word: str, rest: list[str]) -> tuple[str, str | None]:
    spelling, equals, value = word.partition("=")
    option = syntax.long.get(spelling) or _by_prefix(syntax, spelling, word)
    if equals:
        if option.takes is Takes.NOTHING:
            raise UsageError(f"{syntax.program}: option '--{spelling}' doesn't allow an argument")
        return option.name, value
    if option.takes is Takes.REQUIRED:
        if not rest:
            raise UsageError(f"{syntax.program}: option '--{spelling}' requires an argument")
        return option.name, rest.pop(0)
    return option.name, None


def _by_prefix(syntax: Syntax, spelling: str, word: str) -> Option:
    matches = {option for known, option in syntax.long.items() if known.startswith(spelling)}
    if len(matches) == 1:
        return matches.pop()
    if matches:
        raise UsageError(f"{syntax.program}: option '--{word}' is ambiguous")
    raise UsageError(f"{syntax.program}: unrecognized option '--{word}'")


def _letters(syntax: Syntax, word: str, rest: list[str]) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    while word:
        letter, word = word[0], word[1:]
        option = syntax.short.get(letter)
        if option is None:
            raise UsageError(f"{syntax.program}: invalid option -- '{letter}'")
        if option.takes is Takes.NOTHING:
            found.append((option.name, None))
            continue
        if not word and option.takes is Takes.REQUIRED:
            if not rest:
                raise UsageError(f"{syntax.program}: option requires an argument -- '{letter}'")
            word = rest.pop(0)
        found.append((option.name, word or None))
        word = ""
    return found
