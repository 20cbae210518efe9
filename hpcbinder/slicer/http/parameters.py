"""The parameters that several operations share."""

from __future__ import annotations

from .operation import Parameter

FILE = Parameter(
    "file",
    "The file: a path below the server's own folder, as Jupyter's contents API names it, or an "
    "absolute one within a root (see `roots`).",
    required=True,
    example="results/run.h5",
)
PATH = Parameter("path", "The path inside the file; `/` unless given.", example="/entry/data")
OFFSET = Parameter("offset", "How many to leave out at the beginning.", "integer", example="0")
LIMIT = Parameter("limit", "How many at most.", "integer", example="200")

AT = Parameter(
    "at",
    "One index for each axis of the data set; those of `rows` and `columns` do not count.",
    example="3,0,0",
)
PART = Parameter(
    "part",
    "Of complex values `real`, `imaginary`, `abs` or `phase`; of a compound, a field's name.",
    example="abs",
)
COLUMNS = Parameter(
    "columns", "The axis that goes across the screen, from 0.", "integer", example="2"
)
WINDOW = Parameter(
    "window",
    "First row, end of rows, first column, end of columns; all of the plane unless given.",
    example="0,512,0,512",
)
AXES = (
    Parameter(
        "rows",
        "The axis that goes down the screen, from 0; `none` for a line.",
        example="1",
    ),
    COLUMNS,
    AT,
    WINDOW,
    Parameter("step", "Every n-th row and column.", "integer", example="4"),
    PART,
)
SCALED = (
    Parameter(
        "bits",
        "How exact the codes are; 0 for the values themselves.",
        "integer",
        values=("0", "8", "16"),
    ),
    Parameter(
        "scale", "What is done before values become codes.", values=("linear", "log", "symlog")
    ),
    Parameter(
        "domain",
        "What the codes span: of this slice, of the whole data set, from and to, or percentiles.",
        example="p1,p99",
    ),
)
TILE = Parameter(
    "tile",
    "Level, row and column of a tile, instead of a window and a step.",
    example="2,0,1",
)
MISSING = Parameter("missing", "Values that stand for nothing.", example="-9999,1e20")
THRESHOLD = Parameter(
    "threshold", "Up to where a symmetric logarithm is about linear.", "number", example="0.001"
)
TURN = (
    Parameter("view", "Whatever names the view on the page that the picture is for."),
    Parameter(
        "turn",
        "Counts the pictures of a view; a newer one drops those before it (409).",
        "integer",
    ),
)
PICTURE_LIMIT = Parameter(
    "limit",
    "Bytes; beyond them come fewer bits, then fewer rows and columns: the header says so.",
    "integer",
    example="20800",
)
HINT = Parameter(
    "hint",
    "An axis and a direction (1 or -1): the planes that come next that way are read ahead.",
    example="0,1",
)
SELECTION = Parameter(
    "key",
    "What to take of each axis, as NumPy has it, with positive steps; all of it unless given.",
    example="0,:,10:20:2",
)
