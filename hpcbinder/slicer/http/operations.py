"""Everything that can be asked below `hpcbinder/slicer/`. OpenAPI's description is made from it."""

from __future__ import annotations

from .operation import JSON, Operation, Parameter
from .parameters import (
    AT,
    AXES,
    COLUMNS,
    FILE,
    HINT,
    LIMIT,
    MISSING,
    OFFSET,
    PART,
    PATH,
    PICTURE_LIMIT,
    SCALED,
    SELECTION,
    THRESHOLD,
    TILE,
    TURN,
    WINDOW,
)

PLANE = "application/vnd.hpcbinder.plane"

OPERATIONS = (
    Operation(
        "roots",
        "The folders that files may lie in.",
        notes="Links are followed first: what they lead to has to lie in one of these.",
        answers={JSON: "`roots`: each with `name` and `path`."},
    ),
    Operation(
        "limits",
        "What a request may take, and what the reading process holds.",
        notes="It also starts the reading process, so that the first picture need not wait for it.",
        answers={JSON: "Bytes, seconds and counts by name."},
    ),
    Operation(
        "node",
        "What lies at a path: a group, or a data set with its type, shape, chunks and filters.",
        (FILE, PATH),
    ),
    Operation("children", "What is in a group.", (FILE, PATH, OFFSET, LIMIT)),
    Operation("attributes", "All attributes, with their values.", (FILE, PATH)),
    Operation(
        "search",
        "Groups and data sets whose names contain a text.",
        (FILE, PATH, Parameter("text", "What to look for.", required=True)),
        notes="It stops at a number of objects that were looked at, and says so (`complete`).",
        quick=False,
    ),
    Operation(
        "axes",
        "Name, unit and values of each axis, from dimension scales, NeXus or netCDF.",
        (FILE, PATH),
    ),
    Operation(
        "plane",
        "A picture of a plane, or a line, to put on a screen.",
        (FILE, PATH, *AXES, TILE, *SCALED, THRESHOLD, MISSING, PICTURE_LIMIT, HINT, *TURN),
        notes="The body is `HPS1`, the length of a JSON header (uint32, little-endian), that "
        "header, and codes or values as the header describes them. A strong `ETag` "
        "changes when the data may have.",
        answers={PLANE: "Header and codes."},
    ),
    Operation(
        "envelope",
        "From where to where a line goes: the least and the greatest value of each bucket of it.",
        (
            FILE,
            PATH,
            COLUMNS,
            AT,
            WINDOW,
            PART,
            Parameter("buckets", "How many at most; 1024 unless given.", "integer", example="2000"),
            *TURN,
        ),
        notes="A picture of two rows of exact values, as `plane` has it: in the first the least "
        "value of each bucket, in the second the greatest, NaN where a bucket has only that. "
        "Its header's `bucket` says how many values one has. A line that is too long to be read at "
        "once is sampled in each bucket, and not `exact`.",
        answers={PLANE: "Header and values."},
        quick=False,
    ),
    Operation(
        "course",
        "How slices across an axis go on: the range and the mean of a sample of each.",
        (
            FILE,
            PATH,
            Parameter("axis", "Across which; 0 unless given.", "integer", example="0"),
            Parameter(
                "indices",
                "Which slices, at most 256: indices and NumPy's slices.",
                required=True,
                example="0:64:4,70",
            ),
            PART,
            *TURN,
        ),
        notes="It goes on for a quarter of a second, and tells as many of them as it came to: the "
        "others are to be asked for again.",
        answers={
            JSON: "`index`, `low`, `high` and `mean`, lists (`null` where nothing is finite); "
            "`seen`, the share of each slice that was looked at; `size`, how many there are; "
            "`age`, how many seconds ago the file was changed; `verified`."
        },
        quick=False,
    ),
    Operation(
        "statistics",
        "Minimum, maximum, mean, percentiles and a histogram, of a plane or of the whole data set.",
        (
            FILE,
            PATH,
            Parameter("of", "What they are of.", values=("slice", "dataset")),
            *AXES,
            MISSING,
            *TURN,
        ),
        notes="Of a large data set, from samples at first (`estimate`).",
        quick=False,
    ),
    Operation(
        "profile",
        "The values along a line through a plane.",
        (
            FILE,
            PATH,
            *AXES,
            Parameter(
                "points",
                "Row and column of each of the line's corners.",
                required=True,
                example="0,0;511,511",
            ),
            *TURN,
        ),
        answers={JSON: "`values`: exact ones, one for each row or column that the line crosses."},
    ),
    Operation(
        "values",
        "Exact values: as JSON of any type, or as a file.",
        (
            FILE,
            PATH,
            SELECTION,
            Parameter("format", "How.", values=("json", "npy", "csv", "tiff", "png")),
            *AXES,
            *SCALED,
            MISSING,
            Parameter(
                "colours",
                "For PNG: what the colours go through, from the low end to the high one.",
                example="000000-ff0000-ffffff",
            ),
        ),
        notes="JSON has what `key` takes, files the plane of `rows`, `columns`, `at` and `window`, "
        "piece by piece and of any size.",
        answers={
            JSON: "Values, nested as the axes are.",
            "application/octet-stream": "NumPy's format.",
            "text/csv": "A line for each row.",
            "image/tiff": "One plane.",
            "image/png": "One plane in colours.",
        },
        quick=False,
    ),
    Operation(
        "snippet",
        "Python that reads exactly this slice.",
        (FILE, PATH, *AXES),
        answers={JSON: "`text`."},
    ),
)
GROWTH = Operation(
    "growth",
    "Follows data sets that are being written, as server-sent events.",
    (FILE, PATH),
    notes="`file` and `path` may be given several times, in pairs: one stream does for a page. "
    "An event `growth` says what a data set is now: stamp, shape, whether it is verified, and how "
    "long after it was written that was seen (`delay`, in seconds). An event `unreadable` says why "
    "it cannot be read now, and in how many seconds it is tried again.",
    answers={"text/event-stream": "Events `growth` and `unreadable`, with JSON."},
)
