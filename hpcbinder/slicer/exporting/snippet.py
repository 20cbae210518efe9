"""Python that reads exactly what is shown."""

from __future__ import annotations

import keyword
import re
from typing import Any

import numpy as np

from ..planes.part import Part, resolve
from ..planes.request import PlaneRequest
from ..planes.selection import Selection, plan

OF_COMPLEX = {
    "abs": "np.abs({})",
    "real": "{}.real",
    "imaginary": "{}.imag",
    "phase": "np.angle({})",
}


def snippet(
    file: str, path: str, request: PlaneRequest, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> str:
    """Ready to be pasted: it needs h5py, and whatever filters the file was written with."""
    selection = plan(request, shape)
    part = resolve(dtype, request.part)
    name = _variable(path)
    lines = ["import h5py"]
    if part.of_complex in ("abs", "phase"):
        lines.append("import numpy as np")
    lines += [
        "",
        f'with h5py.File({_quoted(file)}, "r", locking=False) as file:',
        f"    {name} = file[{_quoted(path)}][{_index(selection, shape)}]",
    ]
    changed = _changed(name, part, selection)
    if changed != name:
        lines.append(f"{name} = {changed}")
    return "\n".join(lines) + "\n"


def _changed(name: str, part: Part, selection: Selection) -> str:
    value = name + "".join(f"[{_quoted(field)}]" for field in part.fields)
    if part.of_complex:
        value = OF_COMPLEX[part.of_complex].format(value)
    return value + ".T" if selection.swapped else value


def _index(selection: Selection, shape: tuple[int, ...]) -> str:
    return ", ".join(_part(part, size) for part, size in zip(selection.key, shape))


def _part(part: int | slice, size: int) -> str:
    if isinstance(part, int):
        return str(part)
    start = "" if part.start == 0 else str(part.start)
    stop = "" if part.stop == size else str(part.stop)
    step = "" if part.step == 1 else f":{part.step}"
    return f"{start}:{stop}{step}"


def _quoted(text: str) -> str:
    """In double quotes, unless it is anything but plain."""
    return f'"{text}"' if text.isprintable() and not set(text) & set('"\\') else repr(text)


def _variable(path: str) -> str:
    """The data set's own name where Python takes it."""
    name = re.sub(r"\W+", "_", path.rpartition("/")[2]).strip("_")
    taken = keyword.iskeyword(name) or name in ("file", "h5py", "np")
    return name if name.isidentifier() and not taken else "plane"
