"""A launch that runs one notebook by itself, from top to bottom, and is over then."""

from __future__ import annotations

import json
from keyword import iskeyword
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

SUFFIX = ".ipynb"
MOST_BYTES = 32 * 1024


def _in_workspace(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or str(PurePosixPath(path)) != path or path[0] == "/" or ".." in parts:
        raise ValueError("a path within the repository is expected, such as “runs/index.ipynb”")
    if parts[0] == ".git" or PurePosixPath(path).suffix != SUFFIX:
        raise ValueError(f"a notebook is expected, whose name ends in {SUFFIX}")
    return path


def _variable(name: str) -> str:
    if not name.isidentifier() or iskeyword(name):
        raise ValueError("the name of a variable is expected")
    return name


def _bounded(parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(json.dumps(parameters, allow_nan=False))
    except (ValueError, RecursionError):
        raise ValueError("numbers have to be finite, and lists not deep") from None
    if size > MOST_BYTES:
        raise ValueError(f"no more than {MOST_BYTES // 1024} KiB are expected, as JSON")
    return parameters


InWorkspace = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=500),
    AfterValidator(_in_workspace),
]
Variable = Annotated[str, StringConstraints(max_length=100), AfterValidator(_variable)]


class Run(BaseModel):
    """What is run, with what, and where it is written. What a notebook is given goes to its node
    with the answer to the job's claim, and is in no argument, variable or job record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    notebook: InWorkspace = Field(description="The notebook, within the repository.")
    parameters: Annotated[dict[Variable, JsonValue], AfterValidator(_bounded)] = Field(
        default_factory=dict,
        description="They replace values of the cell that has the tag `parameters`, as with "
        "Papermill.",
    )
    output: InWorkspace | None = Field(
        default=None,
        description="The notebook that is written, within the workspace: `NAME.out.ipynb` beside "
        "it, unless given. One that is there is replaced.",
    )

    @model_validator(mode="after")
    def _keeps_the_notebook(self) -> Run:
        if self.output == self.notebook:
            raise ValueError("the output cannot take the place of the notebook")
        return self
