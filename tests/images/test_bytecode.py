"""Bytecode that is kept with packages, and what becomes of it where they are installed."""

from __future__ import annotations

import marshal
import os
import shutil
import sysconfig
import time
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from images.installer import module

SOURCES = {"waves/__init__.py": "A = 1\n", "waves/shape.py": "B = 2\n", "broken.py": "print 'x'\n"}


@pytest.fixture
def bytecode() -> ModuleType:
    """The part of the installer."""
    return module("bytecode")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where packages are installed."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(folder))
    return folder


@pytest.fixture
def kept(bytecode: ModuleType, library: Path, tmp_path: Path) -> Path:
    """Some packages that are kept, as builders do: with links in a folder that lead to them."""
    kept, links = tmp_path / "kept", tmp_path / "links"
    for name, text in SOURCES.items():
        for folder in (kept, links):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (kept / name).write_text(text)
        (links / name).symlink_to(kept / name)
    bytecode.keep(str(links))
    return kept


def test_what_is_kept_compiled_is_not_compiled_again(
    bytecode: ModuleType, kept: Path, library: Path
) -> None:
    began = time.time()
    shutil.copytree(kept, library, dirs_exist_ok=True, copy_function=shutil.copyfile)
    assert not bytecode.is_valid(str(library / "waves/shape.py"))
    bytecode.adopt_kept(since=began)
    assert bytecode.is_valid(str(library / "waves/shape.py"))
    assert bytecode.is_valid(str(library / "waves/__init__.py"))
    before = written(library)
    bytecode.byte_compile()
    assert written(library) == before


def test_it_speaks_of_the_file_where_it_will_be(kept: Path, library: Path) -> None:
    compiled = Path(cache_from_source(str(kept / "waves/shape.py"))).read_bytes()
    code = marshal.loads(compiled[16:])
    assert isinstance(code, CodeType)
    assert code.co_filename == str(library / "waves/shape.py")


def test_what_is_no_python_is_kept_as_it_is(kept: Path) -> None:
    assert (kept / "broken.py").read_text() == SOURCES["broken.py"]
    assert not Path(cache_from_source(str(kept / "broken.py"))).exists()


def test_a_source_that_was_changed_since_is_compiled(
    bytecode: ModuleType, kept: Path, library: Path
) -> None:
    began = time.time()
    shutil.copytree(kept, library, dirs_exist_ok=True, copy_function=shutil.copyfile)
    bytecode.adopt_kept(since=began)
    (library / "waves/shape.py").write_text("B = 3\n")
    bytecode.byte_compile()
    scope: dict[str, object] = {}
    compiled = Path(cache_from_source(str(library / "waves/shape.py"))).read_bytes()
    exec(marshal.loads(compiled[16:]), scope)
    assert scope["B"] == 3
    assert bytecode.is_valid(str(library / "waves/shape.py"))


def test_what_was_there_before_an_installation_is_not_taken_for_kept(
    bytecode: ModuleType, kept: Path, library: Path
) -> None:
    """As when a script of the repository has put it there, and changed it."""
    shutil.copytree(kept, library, dirs_exist_ok=True, copy_function=shutil.copyfile)
    (library / "waves/shape.py").write_text("B = 3\n")
    bytecode.adopt_kept(since=time.time() + 1)
    assert not bytecode.is_valid(str(library / "waves/shape.py"))


def written(folder: Path) -> dict[str, int]:
    """When each file of bytecode was written."""
    return {str(path): os.stat(path).st_mtime_ns for path in folder.rglob("*.pyc")}
