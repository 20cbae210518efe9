"""The file that holds what a launcher imports: read in place of some hundred others, if it fits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WRITE = """
import sys
from pathlib import Path
from hpcbinder.node import library
{imports}
library.write(Path(sys.argv[1]))
"""
READ = """
import os, sys
from pathlib import Path
from hpcbinder.node import library

opened = []
def note(event, told):
    if event == "open" and str(told[0]).endswith((".py", ".pyc")):
        opened.append(told[0])
sys.addaudithook(note)

with library.opened(Path(sys.argv[1])):
    {imports}
print(len(opened))
"""
OF_PACKAGE = "import boat, boat.sail; print(boat.__file__, boat.sail.HIGH)"


class Shelf:
    """A file, and processes that write and read it, with packages of a folder of their own."""

    def __init__(self, root: Path) -> None:
        self.file = root / "library"
        self.packages = root / "packages"
        self.sail = self.packages / "boat/sail.py"
        self.sail.parent.mkdir(parents=True)
        (self.packages / "boat/__init__.py").write_text("")
        self.sail.write_text("HIGH = 1\n")

    def run(self, program: str, imports: str, *folders: Path) -> list[str]:
        path = os.pathsep.join(map(str, (*folders, self.packages)))
        code = program.format(imports=imports)
        done = subprocess.run(
            [sys.executable, "-c", code, str(self.file)],
            env=os.environ | {"PYTHONPATH": path},
            cwd=self.packages.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    found = Shelf(tmp_path)
    found.run(WRITE, "import boat.sail")
    return found


def test_modules_come_from_the_file_and_know_their_own(shelf: Shelf) -> None:
    assert shelf.run(READ, OF_PACKAGE) == [str(shelf.packages / "boat/__init__.py"), "1", "0"]


def test_a_module_that_was_changed_is_read_from_its_own_file(shelf: Shelf) -> None:
    shelf.sail.write_text("HIGH = 1234\n")
    _, high, opened = shelf.run(READ, OF_PACKAGE)
    assert high == "1234"
    assert int(opened) >= 1


def test_a_module_that_is_gone_is_not_imported(shelf: Shelf) -> None:
    shelf.sail.unlink()
    imports = "import importlib.util; print(importlib.util.find_spec('boat.sail'))"
    assert shelf.run(READ, imports)[0] == "None"


def test_a_package_in_a_folder_that_comes_first_is_taken(shelf: Shelf, tmp_path: Path) -> None:
    mine = tmp_path / "mine/boat"
    mine.mkdir(parents=True)
    (mine / "__init__.py").write_text("")
    (mine / "sail.py").write_text("HIGH = 2\n")
    assert shelf.run(READ, OF_PACKAGE, mine.parent)[:2] == [str(mine / "__init__.py"), "2"]


@pytest.mark.parametrize("content", [None, b"", b"no such thing"])
def test_without_it_all_is_as_ever(shelf: Shelf, content: bytes | None) -> None:
    shelf.file.unlink()
    if content is not None:
        shelf.file.write_bytes(content)
    assert shelf.run(READ, OF_PACKAGE)[1] == "1"


@pytest.mark.slow
def test_a_launcher_opens_few_files(shelf: Shelf) -> None:
    imports = "from hpcbinder.node import imports; imports.import_all()"
    (without,) = shelf.run(READ, imports)
    shelf.run(WRITE, imports)
    (with_it,) = shelf.run(READ, imports)
    assert int(with_it) < int(without) / 20
