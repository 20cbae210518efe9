"""What differs between two environments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .model import Bill, Package

Place = tuple[str, str, str, str]


@dataclass(frozen=True)
class Change:
    """One package that is not the same. Versions are the same if what it consists of is not."""

    kind: str
    name: str
    where: str
    before: str
    after: str

    @property
    def what(self) -> str:
        """In one word."""
        if not self.before:
            return "added"
        if not self.after:
            return "removed"
        return "changed" if self.before != self.after else "rebuilt"


def changes(before: Bill, after: Bill) -> list[Change]:
    """The packages that differ, by kind, place and name."""
    return list(_changes(_by_place(before), _by_place(after)))


def _changes(
    before: dict[Place, list[Package]], after: dict[Place, list[Package]]
) -> Iterator[Change]:
    for place in sorted(before.keys() | after.keys()):
        one, other = before.get(place, []), after.get(place, [])
        kind, where, name, _ = place
        versions = tuple(", ".join(package.version for package in some) for some in (one, other))
        if versions[0] != versions[1] or not all(map(_same, one, other)):
            yield Change(kind, name, where, *versions)


def _same(one: Package, other: Package) -> bool:
    """Whether both came from the same: what only one of them knows says nothing."""
    if one.build != other.build or one.commit != other.commit:
        return False
    known = one.hashes.keys() & other.hashes.keys()
    if any(one.hashes[name] != other.hashes[name] for name in known):
        return False
    return not (one.files and other.files) or one.files == other.files


def _by_place(bill: Bill) -> dict[Place, list[Package]]:
    found: dict[Place, list[Package]] = {}
    for package in bill.packages:
        place = (package.kind, package.where, package.name, package.arch)
        found.setdefault(place, []).append(package)
    return found
