"""Names of images in registries."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import UserError

DEFAULT_HOST = "docker.io"
DEFAULT_TAG = "latest"
_HOST = re.compile(r"localhost|(?=.*[.:])[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-f:]+\](:[0-9]{1,5})?")
_PART = r"[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Reference:
    """An image by its tag or its digest."""

    host: str
    repository: str
    version: str

    @property
    def digest(self) -> str | None:
        """The digest, if that is what names it."""
        return self.version if DIGEST.fullmatch(self.version) else None

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}{'@' if self.digest else ':'}{self.version}"


def parse(text: str) -> Reference:
    """What people write, as every tool understands it: no host is Docker Hub, no tag is `latest`;
    beside a digest a tag says nothing."""
    rest, _, digest = text.partition("@")
    host, _, repository = rest.partition("/")
    if not _HOST.fullmatch(host):
        host, repository = DEFAULT_HOST, rest
    repository, colon, tag = repository.partition(":")
    if host == DEFAULT_HOST and "/" not in repository:
        repository = f"library/{repository}"
    version = digest or tag or DEFAULT_TAG
    if (
        not _REPOSITORY.fullmatch(repository)
        or len(text) > 512
        or (colon and not _TAG.fullmatch(tag))
        or ("@" in text and not DIGEST.fullmatch(digest))
    ):
        raise UserError(
            f"{text[:200]!r} is no name of an image.",
            "Write it like registry.example.org/group/image:tag, or with @sha256: and its digest.",
        )
    return Reference(host, repository, version)
