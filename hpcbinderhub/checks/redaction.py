"""Takes secrets out of a text: those that are known, and what looks like one. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from traitlets.config.loader import LazyConfigValue

REMOVED = "(removed)"
SHORTEST = 5
"""Shorter words stand in any text."""

NAMES = re.compile(r"PASS|SECRET|TOKEN|KEY|AUTH|CREDENTIAL|COOKIE", re.IGNORECASE)
"""Variables of this environment whose value is not to be shown."""

LOOKS = (
    re.compile(r"(?<=://)[^/\s@'\"]+(?=@)"),
    re.compile(r"(?<=Bearer )\S+|(?<=Basic )\S+|(?<=Authorization: )\S+", re.IGNORECASE),
    re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abp]-|hf_)[\w-]+"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL),
    re.compile(r"(?<=password=)[^\s&]+|(?<=token=)[^\s&]+", re.IGNORECASE),
)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without them; the longest first, since one may be a part of another."""
    known = {secret.strip() for secret in secrets}
    for secret in sorted((one for one in known if len(one) >= SHORTEST), key=len, reverse=True):
        text = text.replace(secret, REMOVED)
    for pattern in LOOKS:
        text = pattern.sub(REMOVED, text)
    return text


def leaves(value: Any) -> Iterator[str]:
    """Every text in a setting, and what is in it that a program would print by itself: lines, what
    a variable is set to, the user and password of an address."""
    if isinstance(value, LazyConfigValue):
        value = value.to_dict()
    if isinstance(value, Mapping):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            yield from leaves(one)
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, str):
        yield value
        yield from value.splitlines()
        yield from (found[1] for found in re.finditer(r"=['\"]?([^\s'\"]+)", value))
        yield from passwords(value)


def passwords(text: str) -> Iterator[str]:
    """Those in addresses, as they are written and as they are meant."""
    for found in re.finditer(r"://([^/\s@'\"]+)@", text):
        user, _, password = found[1].partition(":")
        yield from (found[1], password or user, unquote(password or user))


def of_environment(variables: Mapping[str, str]) -> Iterator[str]:
    """What variables hold that is not to be shown."""
    for name, value in variables.items():
        yield from passwords(value)
        if NAMES.search(name):
            yield value


def of_file(text: str) -> Iterator[str]:
    """All that a file with secrets holds: its lines, and what is in its JSON."""
    yield from text.splitlines()
    try:
        yield from leaves(json.loads(text))
    except ValueError:
        return


def literals(source: str) -> Iterator[str]:
    """Whatever stands between quotes in a program."""
    for found in re.finditer(r"(['\"])(.*?)\1", source):
        yield found[2]
        yield from passwords(found[2])
