"""All that a launcher imports, in one file.

An image is read through FUSE, where to find and open some hundred modules costs more than to run
them. `python -m hpcbinder.node.library` makes the file when an image is made. As with bytecode, a
module whose own file has another size or time by now is taken from there; and all of them are
where packages are looked for in other folders, one of which may hold another of that name.
"""

from __future__ import annotations

import marshal
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import MAGIC_NUMBER, spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

PLACE = Path(__file__).parent / "__pycache__" / f"library.{sys.implementation.cache_tag}"

LARGEST = 0xFFFFFFFF


class Module(NamedTuple):
    """One of them."""

    file: str
    size: int
    time: int
    package: bool
    code: bytes


@contextmanager
def opened(place: Path = PLACE) -> Iterator[None]:
    """Imports are from there meanwhile, if it is there and fits."""
    modules = _read(place)
    finder = _Finder(modules)
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.meta_path.remove(finder)  # type: ignore[arg-type]
        # Which every worker would hold.
        modules.clear()


def write(place: Path = PLACE) -> None:
    """Make it of the modules that are imported."""
    modules = {}
    for name, module in sorted(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if spec is not None and spec.name == name and isinstance(spec.loader, SourceFileLoader):
            modules[name] = tuple(_module(spec, spec.loader))
    place.parent.mkdir(exist_ok=True)
    temporary = place.with_name(f"{place.name}.{os.getpid()}")
    temporary.write_bytes(marshal.dumps((MAGIC_NUMBER, _folders(), modules)))
    temporary.replace(place)


def _module(spec: ModuleSpec, loader: SourceFileLoader) -> Module:
    file = loader.path
    size, time = _state(file)
    # The same in each image that is made of the same, which a code object need not be.
    stored = _stored(spec.cached)
    if stored[:16] == MAGIC_NUMBER + struct.pack("<III", 0, time & LARGEST, size & LARGEST):
        code = stored[16:]
    else:
        code = marshal.dumps(loader.get_code(spec.name))
    return Module(file, size, time, spec.submodule_search_locations is not None, code)


def _stored(bytecode: str | None) -> bytes:
    try:
        return Path(bytecode or "").read_bytes()
    except OSError:
        return b""


class _Finder:
    def __init__(self, modules: dict[str, Module]) -> None:
        self._modules = modules

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        found = self._modules.get(name)
        if found is None or (found.size, found.time) != _state(found.file):
            return None
        loader = _Loader(name, found.file, self._modules)
        folders = [os.path.dirname(found.file)] if found.package else None
        return spec_from_file_location(
            name, found.file, loader=loader, submodule_search_locations=folders
        )


class _Loader(SourceFileLoader):
    def __init__(self, name: str, file: str, modules: dict[str, Module]) -> None:
        super().__init__(name, file)
        self._modules = modules

    def get_code(self, fullname: str) -> CodeType | None:
        found = self._modules.get(fullname)
        return marshal.loads(found.code) if found else super().get_code(fullname)


def _read(place: Path) -> dict[str, Module]:
    try:
        magic, folders, modules = marshal.loads(place.read_bytes())
    except (OSError, ValueError, EOFError, TypeError):
        return {}
    if (magic, folders) != (MAGIC_NUMBER, _folders()):
        return {}
    return {name: Module(*told) for name, told in modules.items()}


def _state(file: str) -> tuple[int, int]:
    """What bytecode says of its source, and what an image keeps of times."""
    try:
        found = os.stat(file)
    except OSError:
        return 0, 0
    return found.st_size, int(found.st_mtime)


def _folders() -> list[str]:
    """Where packages are looked for, but for the folder in which Python was started."""
    return [folder for folder in sys.path if folder not in ("", os.getcwd())]


if __name__ == "__main__":
    from hpcbinder.node import imports, library

    imports.import_all()
    library.write()
