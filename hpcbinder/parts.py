"""What a workspace gets beside its commit: submodules, and files in Git LFS; all from the hub."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from .claim import Content, Grant
from .report import Exit, Stop, say
from .web import Hub, Sink, Transient, patiently

# The hub may have to fetch all of it from servers that are slow.
GATHERING = 30 * 60.0


class Object(NamedTuple):
    """The content of a file in Git LFS, by its hash."""

    oid: str
    size: int


class Repository(NamedTuple):
    """The commit itself (first, and without a path), or a submodule of it or of another."""

    path: str
    within: str
    """The path of the repository that it is a part of."""
    name: str
    """What that one calls it."""
    url: str
    commit: str
    in_lfs: bool
    objects: list[Object]


class Parts(NamedTuple):
    """What there is, and sentences about what there is not."""

    repositories: list[Repository]
    notices: list[str]


class Source:
    """The hub, where it offers what one launch gets."""

    def __init__(self, grant: Grant, launch: Path, hub: Hub) -> None:
        self.content: Content = grant.content
        self._authorization = f"Bearer {grant.token}"
        self._launch = launch
        self._hub = hub

    @contextmanager
    def bundle(self) -> Iterator[Path]:
        """The bundle of the commit, for as long as it is needed."""
        say("content", f"Downloading commit {self.content.commit[:12]} from the hub.")
        with self._downloaded(self.content.url) as path:
            yield path

    def parts(self) -> Parts:
        """What else there is; the hub is waited for while it gathers that."""
        answer = patiently(self._ask, "content", GATHERING, Exit.NO_HUB)
        try:
            return _parts(json.loads(answer))
        except (ValueError, KeyError, TypeError) as error:
            raise Stop(
                Exit.NO_HUB,
                "content",
                f"The hub's answer is not understood ({type(error).__name__}). "
                "Ask the site's administrators whether hub and image fit together.",
            ) from None

    @contextmanager
    def submodule(self, number: int) -> Iterator[Path]:
        """The bundle of one of the repositories, by its place among them."""
        with self._downloaded(f"{self.content.url}/submodules/{number}") as path:
            yield path

    def objects(self, numbers: Sequence[int], into: Sink) -> None:
        """Some of all the repositories' objects, in their order, as one stream."""
        bits = sum(1 << number for number in numbers)
        url = f"{self.content.url}/objects?some={bits:x}"
        self._hub.download(url, into, self._authorization)

    def _ask(self) -> bytes:
        answer = self._hub.get(f"{self.content.url}/parts", self._authorization)
        if answer.status == 202:
            raise Transient(answer.message)
        return answer.body

    @contextmanager
    def _downloaded(self, url: str) -> Iterator[Path]:
        bundle = self._launch / "content.bundle"
        try:
            with bundle.open("wb") as file:
                self._hub.download(url, file, self._authorization)
            yield bundle
        finally:
            bundle.unlink(missing_ok=True)


def _parts(found: dict[str, Any]) -> Parts:
    repositories = [
        Repository(
            path=_text(one["path"]),
            within=_text(one["within"]),
            name=_text(one["name"]),
            url=_text(one["url"]),
            commit=_hex(one["commit"], 40),
            in_lfs=one["in_lfs"] is True,
            objects=[Object(_hex(oid, 64), int(size)) for oid, size in one["objects"]],
        )
        for one in found["repositories"]
    ]
    return Parts(repositories, [_text(sentence) for sentence in found["notices"]])


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value or "\n" in value:
        raise TypeError("one line of text expected")
    return value


def _hex(value: object, length: int) -> str:
    text = _text(value)
    if len(text) != length or not set(text) <= set("0123456789abcdef"):
        raise ValueError("a hash expected")
    return text
