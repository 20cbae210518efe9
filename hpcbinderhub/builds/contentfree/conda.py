"""`environment.yml`, as conda and mamba read it: whether each entry names something remote.

An allow-list, for what people write and `conda env export` prints. Of YAML's many ways to say the
same, those are refused that the libraries of the two read differently.
"""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, Event, NodeEvent, ScalarEvent

from .files import NotContentFree, Reading
from .requirements import included_by

MAX_CHARACTERS = 50_000
MAX_LINE = 1000
MAX_BRACKETS = 200
"""Reading YAML takes a while, and very long if it is deep; what people write is neither."""

_KEYS = {"name", "prefix", "channels", "dependencies"}
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_CHANNEL = re.compile(rf"{_NAME}(/{_NAME})*|https?://[A-Za-z0-9][A-Za-z0-9_.:/~%-]*")
_VERSION = r" *[=<>!~][A-Za-z0-9_.*,|<>=!~+ -]*| [A-Za-z0-9_.*+ -]+"
_PACKAGE = re.compile(rf"({_NAME}(/{_NAME})*::)?(?P<name>{_NAME})({_VERSION})?")
_FILES = (".conda", ".bz2")
_LOCAL = "local"
"""What was built on this very machine."""


def read(path: str, text: str) -> Reading:
    """The environment file of the repository."""
    found = _parsed(path, text)
    if not isinstance(found, dict) or not found.keys() <= _KEYS:
        raise NotContentFree(f"{path} holds keys that are not known here")
    for key in ("name", "prefix"):
        if not isinstance(found.get(key, ""), str):
            raise NotContentFree(f"the {key} in {path}")
    for channel in _listed(found, "channels"):
        _check_channel(channel)
    includes: list[str] = []
    pips = 0
    for package in _listed(found, "dependencies"):
        if isinstance(package, dict) and package.keys() == {"pip"}:
            pips += 1
            includes += _includes(_listed(package, "pip"), path)
        else:
            _check_package(package)
    if pips > 1:
        raise NotContentFree(f"{path} lists packages for pip twice")
    return Reading(tuple(includes))


def _parsed(path: str, text: str) -> Any:
    brackets = text.count("[") + text.count("{")
    longest = max(map(len, text.split("\n")))
    if len(text) > MAX_CHARACTERS or longest > MAX_LINE or brackets > MAX_BRACKETS:
        raise NotContentFree(f"{path} is too long")
    try:
        for event in _yaml().parse(text):
            _check_event(event, path)
        return _yaml().load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise NotContentFree(f"{path} is no YAML") from error


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _check_event(event: Event, path: str) -> None:
    if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
        raise NotContentFree(f"{path} holds an anchor")
    if isinstance(event, ScalarEvent) and event.value == "<<":
        raise NotContentFree(f"{path} merges one part into another")
    if getattr(event, "ctag", None) is not None:
        raise NotContentFree(f"{path} holds a tag")


def _listed(found: dict[str, Any], key: str) -> list[Any]:
    """A list of the file; nothing and an empty one are the same."""
    entries = found.get(key)
    if entries is not None and not isinstance(entries, list):
        raise NotContentFree(f"“{key}” is no list")
    return entries or []


def _check_channel(channel: Any) -> None:
    if not isinstance(channel, str) or not _CHANNEL.fullmatch(channel) or ".." in channel:
        raise NotContentFree(f"the channel “{channel}”")
    if channel.partition("/")[0] == _LOCAL:
        raise NotContentFree(f"the channel “{channel}”")


def _check_package(package: Any) -> None:
    match = _PACKAGE.fullmatch(package) if isinstance(package, str) else None
    if match is None:
        raise NotContentFree(f"the dependency “{package}”")
    if match["name"].endswith(_FILES) or package.endswith(_FILES):
        raise NotContentFree(f"“{package}” may be a file")
    channel, separator, _ = package.rpartition("::")
    if separator:
        _check_channel(channel)


def _includes(lines: list[Any], path: str) -> list[str]:
    """The files that the list for pip includes; conda hands it on as a file beside its own."""
    included = []
    for line in lines:
        if not isinstance(line, str) or line != line.strip() or not line.isprintable():
            raise NotContentFree(f"“{line}” in the list for pip")
        if not line or "#" in line or "\\" in line:
            raise NotContentFree(f"“{line}” in the list for pip")
        included.append(included_by(line, path))
    return [name for name in included if name is not None]
