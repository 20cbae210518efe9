"""A bill: which packages an environment holds, and how it was made.

All that it says of packages was found in an image that a stranger filled, so every field has a
shape and a limit; and a bill as a whole is at most a few megabytes.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Kind = Literal["pypi", "conda", "deb", "apk"]
HashName = Literal["md5", "sha1", "sha256", "sha384", "sha512"]

MAX_PACKAGES = 8000
"""The largest images that are known have some two thousand."""

# One line without spaces or control characters: these go into files that installers read.
Word = Annotated[str, StringConstraints(pattern=r"^[!-~]*$", max_length=200)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=200)]
Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][!-~]*$", max_length=200)]
ADDRESS = r"[a-z0-9+]+://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{0,1000}"
Url = Annotated[str, StringConstraints(pattern=f"^({ADDRESS})?$")]
HASH = "|".join(f"[0-9a-f]{{{length}}}" for length in (32, 40, 64, 96, 128))
Hex = Annotated[str, StringConstraints(pattern=f"^({HASH})$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=2000)]


class Model(BaseModel):
    """Frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Package(Model):
    """One package in one place."""

    kind: Kind
    name: Name
    version: Version
    where: Line = Field(default="", description="The environment's folder; the system's own: none.")
    build: Word = Field(default="", description="Conda's build string.")
    arch: Word = Field(default="", description="The machine, or conda's `subdir`.")
    url: Url = Field(default="", description="Where it came from, if that is known.")
    hashes: dict[HashName, Hex] = Field(
        default_factory=dict, description="Of the archive that it was installed from, if known."
    )
    commit: Word = Field(default="", description="The commit, if it was built from a repository.")
    files: Sha256 = Field(
        default="",
        description="SHA-256 over the list of its installed files and their hashes: the same for "
        "the same archive, wherever it is installed.",
    )


class Bill(Model):
    """What one build made."""

    format: Literal[1] = 1
    repo_url: Line
    commit: Word
    key: Word = Field(description="The recipe key.")
    made: float = Field(ge=0, lt=1e11, description="Seconds since 1970.")
    build_pack: Word
    builder: Word
    builder_version: Word
    hub_version: Word = Field(description="HPC BinderHub's own.")
    tools_generation: Word
    base_image: Line = Field(description="What the environment stands on.")
    base_digest: Word
    system: Line = Field(default="", description="The operating system, e.g. `debian 12`.")
    packages: Annotated[tuple[Package, ...], Field(max_length=MAX_PACKAGES)] = ()
    unread: tuple[Line, ...] = Field(
        default=(), max_length=100, description="What is known to be missing here."
    )


def python_name(name: str) -> str:
    """A Python package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
