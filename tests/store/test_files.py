"""The files of the store: what is nobody's, and removing one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hpcbinderhub.store.files import ENDINGS, Stray, remove, strays, tidy

OLD, NEW = "a" * 64, "b" * 64


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for name, age in ((OLD, 1000.0), (NEW, 5000.0)):
        for ending in ("squashfs", "json", "cdx.json"):
            path = tmp_path / f"{name}.{ending}"
            path.write_bytes(b"12345")
            os.utime(path, (age, age))
    return tmp_path


def test_what_is_no_images_and_no_build_is_about_to_name_is_a_stray(store: Path) -> None:
    (store / ".partial-here-1.squashfs").touch()
    (store / "notes.txt").touch()
    assert strays(store, known=(), before=2000.0) == [Stray(OLD, 15)]
    assert strays(store, known={OLD}, before=2000.0) == []
    assert strays(store, known={OLD}, before=9000.0) == [Stray(NEW, 15)]


def test_what_was_noted_about_an_artefact_that_is_gone_is_a_stray_too(store: Path) -> None:
    (store / f"{OLD}.squashfs").unlink()
    assert strays(store, known=(), before=2000.0) == [Stray(OLD, 10)]


def test_what_somebody_imported_stays_as_long_as_it_is_there(store: Path) -> None:
    note = store / f"{OLD}.json"
    note.write_text('{"imported": true}')
    os.utime(note, (1000.0, 1000.0))
    assert strays(store, known=(), before=2000.0) == []
    (store / f"{OLD}.squashfs").unlink()
    assert [stray.artefact for stray in strays(store, known=(), before=2000.0)] == [OLD]
    for odd in ("[]", "no JSON", '{"imported": "yes"}'):
        note.write_text(odd)
        assert [stray.artefact for stray in strays(store, (), time.time() + 1)] == [OLD, NEW]


def test_what_was_left_by_the_killed_goes_and_what_goes_on_stays(store: Path) -> None:
    hers = store / "readers" / "2001"
    hers.mkdir(parents=True)
    (store / f"{OLD}.squashfs").unlink()
    (store / ".import-old").mkdir()
    (store / ".import-old" / "layer").touch()
    base = store / "base" / "3.11"
    for name in (".partial-base-old", "1-abc"):
        (base / name).mkdir(parents=True)
    old = [".partial-import-1.squashfs", ".partial-here-1.json", "notes.txt"]
    folders = (store / ".import-old", base / ".partial-base-old", base / "1-abc")
    for path in (*(store / name for name in old), *folders, hers / ".partial-x"):
        path.touch()
        os.utime(path, (1000.0, 1000.0))
    (hers / f"{OLD}.json").touch()
    (store / ".partial-here-2.squashfs").touch()
    (store / ".import-new").mkdir()
    tidy(store)
    left = {path.name for path in store.iterdir()} - {f"{NEW}.{ending}" for ending in ENDINGS}
    assert left == {"notes.txt", ".partial-here-2.squashfs", ".import-new", "readers", "base"}
    assert [path.name for path in base.iterdir()] == ["1-abc"]
    assert [path.name for path in hers.iterdir()] == [f"{OLD}.json"]


def test_an_artefact_is_removed_with_what_was_noted_and_nothing_else_is(store: Path) -> None:
    remove(store, OLD)
    remove(store, OLD)
    assert sorted(path.name[:1] for path in store.iterdir()) == ["b", "b", "b"]
    for name in ("", "../x", "B" * 64):
        with pytest.raises(ValueError, match="no artefact"):
            remove(store, name)
