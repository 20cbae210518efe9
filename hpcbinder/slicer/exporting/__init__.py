"""What is seen, to take away: PNG, NPY, CSV, TIFF, and Python that reads it again."""

from __future__ import annotations

from ..errors import wrong
from ..planes import PlaneRequest, plan
from ..planes.source import Source
from ..work import Work
from .exported import Export, file_name
from .npy import npy
from .png import png
from .snippet import snippet
from .text import text
from .tiff import tiff

FORMATS = {
    "npy": "application/octet-stream",
    "csv": "text/csv; charset=utf-8",
    "tiff": "image/tiff",
    "png": "image/png",
}

__all__ = ["FORMATS", "Export", "export", "snippet"]


def export(
    reader: Source,
    request: PlaneRequest,
    form: str,
    work: Work,
    path: str = "",
    colours: str = "",
) -> Export:
    """The plane as a file of one of `FORMATS`. `path` of the data set gives it its name; `colours`
    are for PNG. What can be refused is refused before the first piece."""
    if form not in FORMATS:
        raise wrong("format", f"“{form[:40]}” is none of {', '.join(FORMATS)}.")
    selection = plan(request, reader.shape)
    if form == "png":
        parts = png(reader, request, selection, work, colours)
    else:
        write = {"npy": npy, "csv": text, "tiff": tiff}[form]
        parts = write(reader, request, selection, work)
    return Export(FORMATS[form], file_name(path, selection, form), parts)
