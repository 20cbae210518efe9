"""`hpcbinder.show`: a file, a data set or an array as a notebook's output, as the slicer shows it.

The output holds where the data lies, and not the data: the browser asks the Jupyter server for what
it shows. An array is written to a file for that, which goes when its kernel does.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

MIME = "application/vnd.hpcbinder.slicer+json"
FOLDER = ".hpcbinder-shown-"
ARRAY = "/array"


class Shown:
    """What a notebook displays."""

    def __init__(self, file: str, path: str) -> None:
        self.file = file
        self.path = path

    def __repr__(self) -> str:
        return f"{self.path} of {self.file}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {MIME: {"file": self.file, "path": self.path}, "text/plain": repr(self)}


def show(what: Any, path: str = "/") -> Shown:
    """Show a file's path, something of an open h5py file, or whatever NumPy makes an array of.

    `show("model.h5", "/velocity")`, `show(file["velocity"])`, `show(velocity[::2])`
    """
    if isinstance(what, (str, os.PathLike)):
        return Shown(_there(what), _within(path))
    named = _of_h5py(what)
    return named if named is not None else Shown(_written(what), ARRAY)


def _there(file: str | os.PathLike[str]) -> str:
    absolute = os.path.abspath(os.path.expanduser(os.fspath(file)))
    if not os.path.exists(absolute):
        raise FileNotFoundError(f"{absolute} does not exist: name a file that this kernel can see.")
    return absolute


def _within(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _of_h5py(what: Any) -> Shown | None:
    """A group or a data set of an open file; what was written to it must be on disk to be read."""
    file, name = getattr(what, "file", None), getattr(what, "name", None)
    filename = getattr(file, "filename", None)
    if not isinstance(filename, str) or not isinstance(name, str):
        return None
    if file is not None and file.mode != "r":
        file.flush()
    return Shown(_there(filename), name)


def _written(array: Any) -> str:
    """Beside the notebook, where the Jupyter server may read it."""
    import h5py
    import numpy as np

    values = np.asarray(array)
    if values.dtype.kind in "OUM":
        raise TypeError(
            f"An array of the type {values.dtype} cannot be shown: show numbers, booleans, "
            "complex numbers or a structure of them."
        )
    folder = tempfile.mkdtemp(prefix=FOLDER, dir=Path.cwd())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = os.path.join(folder, "array.h5")
    with h5py.File(file, "w") as made:
        made.create_dataset(ARRAY, data=values)
    return file
