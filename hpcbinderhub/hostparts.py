"""What a container gets of its host: MPI's libraries, a GPU's driver, a licence file.

Only the admin knows what her nodes have, so a profile says it. The values end in engines' command
lines, each with a syntax of its own for mounts; what none of them can quote is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

UNQUOTABLE = re.compile(r"[:,;\s\x00-\x1f]")
"""What separates the parts of a mount for one engine or another."""


def _checked_path(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/") or UNQUOTABLE.search(path):
        raise ValueError(f"“{path}” is no absolute path without “..”, “:”, “,”, “;” and spaces")
    return path.rstrip("/") or "/"


HostPath = Annotated[str, AfterValidator(_checked_path)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
EngineModule = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Bind(BaseModel):
    """A directory or file of the node, and where the container has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: HostPath = Field(description="Where the node has it.")
    target: HostPath = Field(description="Where the container has it.")
    read_only: bool = Field(default=True, description="Whether the container may only read it.")


class HostParts(BaseModel):
    """Parts of the host for one container."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    binds: tuple[Bind, ...] = Field(default=(), description="What is mounted.")
    library_path: tuple[HostPath, ...] = Field(
        default=(), description="What goes before everything else in `LD_LIBRARY_PATH`, inside."
    )
    environment: Mapping[VariableName, str] = Field(
        default={}, description="Variables of the server, such as MPI's own settings."
    )
    engine_modules: tuple[EngineModule, ...] = Field(
        default=(), description="The engine's own modules or hooks: `mpich`, `gpu`."
    )

    def __or__(self, other: HostParts) -> HostParts:
        """Both; what `other` says of a variable counts."""
        return HostParts(
            binds=(*self.binds, *other.binds),
            library_path=(*self.library_path, *other.library_path),
            environment={**self.environment, **other.environment},
            engine_modules=tuple(dict.fromkeys((*self.engine_modules, *other.engine_modules))),
        )
