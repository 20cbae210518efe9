"""Links as the peers show them: resolved, or as links, as the request wants it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from h5py import h5l

from ..errors import Refusal
from ..files import names
from ..files.damage import in_words
from ..files.links import Place
from ..work import Work

# Which links are followed: all (an error where one leads nowhere), those that can be, or none.
ALL, VALID, NONE = "all", "only_valid", "none"
SPELLINGS = {"true": ALL, "all": ALL, "only_valid": VALID, "false": NONE, "none": NONE}


@dataclass(frozen=True)
class Link:
    """A soft or external link that is shown as such."""

    path: str
    target: str
    file: str | None

    @property
    def kind(self) -> str:
        return "soft_link" if self.file is None else "external_link"


Entity = Union[Place, Link]


def wanted(text: str | None) -> str:
    """The argument `resolve_links`."""
    found = SPELLINGS.get((text or VALID).lower())
    if found is None:
        raise Refusal(
            422,
            f"{text} is not a valid value for link resolution.",
            f"Accepted values are: {ALL}, {NONE} or {VALID}.",
            "parameter",
        )
    return found


def entity(root: Place, path: str, resolve: str, work: Work) -> Entity:
    """What is at a path; its last link may stay one."""
    parts = [part for part in path.split("/") if part]
    if not parts:
        return root
    parent = root.links.find(root.file, "/".join(parts[:-1]), work)
    group = parent.group()
    for name in names.spellings(parts[-1]):
        with in_words(path):
            there = group.id.links.exists(name)
        if there:
            return child(parent, name, resolve, work)
    raise Refusal(404, f"{path} is not a valid path in this file.", "", "missing")


def child(parent: Place, name: bytes, resolve: str, work: Work) -> Entity:
    """The same for what a group holds."""
    link = _link(parent, name)
    if link is None or resolve != NONE:
        try:
            return parent.below([name], work)
        except Refusal as refusal:
            if link is None or resolve == ALL or refusal.status == 504:
                raise
    return link


def _link(parent: Place, name: bytes) -> Link | None:
    path = names.below(parent.path, names.written(name))
    with in_words(path):
        links = parent.group().id.links
        kind = links.get_info(name).type
        if kind == h5l.TYPE_SOFT:
            return Link(path, names.written(links.get_val(name)), None)
        if kind == h5l.TYPE_EXTERNAL:
            file, target = links.get_val(name)
            return Link(path, names.written(target), names.written(file))
    return None
