"""Which of an index's files an installed package is: what the installer in the image notes."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from hpcbinderhub.images.base import recipe_folder

ONE, TWO, SOURCE = "1" * 64, "2" * 64, "3" * 64
MANYLINUX = ("cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux2014_x86_64")


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The installer's module, which is no part of any package."""
    monkeypatch.syspath_prepend(str(recipe_folder() / "install"))
    for name in ("hashes", "environment"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("hashes")


def file(name: str, digest: str) -> dict[str, object]:
    """One of an index's files, as a lock has it."""
    return {"url": f"https://files.example.org/a%20b/{name}", "hashes": {"sha256": digest}}


def lock(*wheels: dict[str, object]) -> dict[str, object]:
    """What an index has of one version."""
    sdist = file("Num_Py-2.1.0.tar.gz", SOURCE)
    package = {"name": "Num_Py", "version": "2.1.0", "sdist": sdist, "wheels": list(wheels)}
    return {"packages": [package]}


def test_the_wheel_with_the_very_tags_is_the_one(hashes: ModuleType) -> None:
    both = "Num_Py-2.1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    index = lock(file(both, ONE), file("Num_Py-2.1.0-cp312-cp312-manylinux2014_x86_64.whl", TWO))
    wanted = {"num-py==2.1.0": ("", frozenset(MANYLINUX))}
    assert hashes.chosen(index, wanted) == {"num-py==2.1.0": ONE}


@pytest.mark.parametrize(
    ("build", "tags"),
    [
        ("", ["cp311-cp311-linux_x86_64"]),  # built from source
        ("", MANYLINUX[:1]),
        ("1", MANYLINUX),
        ("", []),
    ],
)
def test_what_is_no_file_of_the_index_has_no_hash(
    hashes: ModuleType, build: str, tags: list[str]
) -> None:
    name = "Num_Py-2.1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    wanted = {"num-py==2.1.0": (build, frozenset(tags))}
    assert hashes.chosen(lock(file(name, ONE)), wanted) == {}


def test_two_files_that_could_be_it_tell_nothing(hashes: ModuleType) -> None:
    wanted = {"num-py==2.1.0": ("", frozenset(["py3-none-any"]))}
    name = "num_py-2.1.0-py3-none-any.whl"
    assert hashes.chosen(lock(file(name, ONE), file(name, TWO)), wanted) == {}
    assert hashes.chosen(lock(file(name, ONE), file(name, ONE)), wanted) == {"num-py==2.1.0": ONE}
    odd = file("not a wheel", TWO)
    assert hashes.chosen(lock(odd, file(name, ONE)), wanted) == {"num-py==2.1.0": ONE}


def test_an_index_that_does_not_answer_is_no_harm(
    hashes: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashes.sysconfig, "get_path", lambda _name: str(tmp_path))
    info = tmp_path / "six-1.17.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: six\nVersion: 1.17.0\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nTag: py2-none-any\nTag: py3-none-any\n")
    (info / "INSTALLER").write_text("uv")
    assert hashes.from_indexes() == {
        "six==1.17.0": ("", frozenset(["py2-none-any", "py3-none-any"]))
    }
    (tmp_path / "work").mkdir()
    # There is no uv where the installer expects it.
    hashes.record([], tmp_path / "work")
    assert not (tmp_path / hashes.FILE).exists()
    (tmp_path / hashes.FILE).write_text(json.dumps({"six==1.17.0": ONE, "gone==1": TWO}))
    hashes.record([], tmp_path / "work")
    assert json.loads((tmp_path / hashes.FILE).read_text()) == {"six==1.17.0": ONE}
