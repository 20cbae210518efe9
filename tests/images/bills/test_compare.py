"""What differs between two environments."""

from __future__ import annotations

from images.bills.bills import bill, conda, debian, python

from hpcbinderhub.images.bills.compare import Change, changes
from hpcbinderhub.images.bills.model import Bill

ENV = "/srv/hpcbinder/env"


def found(before: Bill, after: Bill) -> list[tuple[str, str]]:
    return [(change.what, change.name) for change in changes(before, after)]


def test_the_same_is_the_same_in_any_order() -> None:
    one, other = python("six", "1.17.0"), conda("numpy", "2.1")
    assert changes(bill(one, other), bill(other, one)) == []


def test_packages_come_go_and_change() -> None:
    before = bill(python("six", "1.16.0"), python("old", "1.0"), debian("hello", "2.10-3"))
    after = bill(python("six", "1.17.0"), python("new", "1.0"), debian("hello", "2.10-3"))
    assert changes(before, after) == [
        Change("pypi", "new", ENV, "", "1.0"),
        Change("pypi", "old", ENV, "1.0", ""),
        Change("pypi", "six", ENV, "1.16.0", "1.17.0"),
    ]
    assert found(before, after) == [("added", "new"), ("removed", "old"), ("changed", "six")]


def test_the_same_version_of_other_files_is_told() -> None:
    def six(**more: object) -> Bill:
        return bill(python("six", "1.17.0", **more))

    rebuilt = [("rebuilt", "six")]
    assert found(six(files="a" * 64), six(files="b" * 64)) == rebuilt
    assert found(six(commit="a" * 40), six(commit="b" * 40)) == rebuilt
    assert found(six(hashes={"md5": "a" * 32}), six(hashes={"md5": "b" * 32})) == rebuilt
    # Where one of them does not know, nothing is said.
    assert found(six(files="a" * 64), six()) == []
    assert found(six(hashes={"md5": "a" * 32}), six(hashes={"sha1": "b" * 40})) == []


def test_a_package_in_another_environment_is_another() -> None:
    before, after = bill(python("six", "1.17.0")), bill(python("six", "1.17.0", "/usr/local"))
    assert found(before, after) == [("removed", "six"), ("added", "six")]
