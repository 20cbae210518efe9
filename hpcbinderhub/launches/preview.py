"""What a link opens, to look at while its environment is being built.

The file is a stranger's. It becomes a list of parts: text that whoever shows it escapes, PNG
pictures, and Markdown as HTML that does nothing. Everything has a limit.
"""

from __future__ import annotations

import asyncio
import base64
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from ..errors import NotFound, UserError
from ..repos.opening import file_of
from .content import ContentStore
from .markdown import to_html
from .records import Launch

UNLESS_NAMED = ("index.ipynb", "README.md")
"""What is shown of a repository whose link opens no file of its own."""

FILE_BYTES = 4_000_000
TEXT_CHARACTERS = 10_000
PICTURE_CHARACTERS = 1_000_000
PICTURE_PIXELS = 20_000_000
"""A picture of few bytes can unpack to more than a browser holds."""
ALL_CHARACTERS = 3_000_000
MARKDOWN_COSTS = 10
"""So many others that a character of Markdown counts as, since it takes time to make sense of."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[@-~]")
_PNG = re.compile(r"iVBORw0KGgo[A-Za-z0-9+/]{32,}={0,2}")


@dataclass(frozen=True)
class Part:
    """A cell, an output of one, or a sentence of ours about what is left out."""

    kind: Literal["markdown", "code", "output", "picture", "note"]
    content: str
    """HTML for Markdown, base64 for a picture, plain text for everything else."""


@dataclass(frozen=True)
class Preview:
    """A file's name and what it shows."""

    name: str
    parts: Sequence[Part]


async def preview(content: ContentStore, launch: Launch) -> Preview:
    """What the launch opens: the file that it names, or else the first that such a place has."""
    if not launch.commit:
        raise NotFound("The commit is not known yet.", "Look again in a moment.")
    for name in filter(None, (file_of(launch.open), *UNLESS_NAMED)):
        try:
            text = await content.text(
                launch.repo_url, launch.ref, launch.commit, launch.reader, name, FILE_BYTES
            )
        except NotFound:
            continue
        return Preview(name, await asyncio.to_thread(parts, name, text))
    raise NotFound(
        f"{launch.repo_url} has nothing to look at beforehand.",
        f"It would have with a file named {' or '.join(UNLESS_NAMED)}.",
    )


def parts(name: str, text: str) -> list[Part]:
    """A file's text as parts, by the file's name."""
    if name.endswith(".ipynb"):
        return list(_within_limits(_of_notebook(name, text)))
    if name.endswith(".md"):
        return list(_within_limits([Part("markdown", text)]))
    if "\0" in text:
        raise UserError(f"“{name}” is not text.", "It can be opened once the server runs.")
    return list(_within_limits([Part("code", text)]))


# -- notebooks ---------------------------------------------------------------------------------

_Text = str | list[str]


class _Output(BaseModel):
    output_type: str
    text: _Text = ""
    data: dict[str, Any] = {}
    traceback: list[str] = []


class _Cell(BaseModel):
    cell_type: str
    source: _Text = ""
    outputs: list[_Output] = []


class _Notebook(BaseModel):
    cells: list[_Cell]


def _of_notebook(name: str, text: str) -> Iterator[Part]:
    try:
        cells = _Notebook.model_validate_json(text).cells
    except ValidationError as error:
        raise UserError(
            f"“{name}” is not a notebook.", "Open it in JupyterLab and save it again."
        ) from error
    for cell in cells:
        source = _joined(cell.source)
        if source.strip():
            yield Part("markdown" if cell.cell_type == "markdown" else "code", source)
        for output in cell.outputs:
            yield from _of_output(output)


def _of_output(output: _Output) -> Iterator[Part]:
    picture = _joined(output.data.get("image/png"))
    if picture:
        yield _picture("".join(picture.split()))
        return
    told = _joined(output.text) or "\n".join(output.traceback)
    told = _ANSI.sub("", told or _joined(output.data.get("text/plain"))).rstrip()
    if told:
        yield Part("output", told)


def _picture(encoded: str) -> Part:
    if len(encoded) > PICTURE_CHARACTERS:
        return Part("note", "A picture is too large to be shown here.")
    if not _PNG.fullmatch(encoded):
        return Part("note", "A picture is not what it says it is.")
    width, height = struct.unpack(">II", base64.b64decode(encoded[:32])[16:24])
    if width * height > PICTURE_PIXELS:
        return Part("note", "A picture is too large to be shown here.")
    return Part("picture", encoded)


def _joined(text: object) -> str:
    """Notebooks keep text as a string, or as its lines."""
    if isinstance(text, list):
        return "".join(line for line in text if isinstance(line, str))
    return text if isinstance(text, str) else ""


# -- limits ------------------------------------------------------------------------------------


def _within_limits(found: Iterable[Part]) -> Iterator[Part]:
    """Parts as they are shown, up to where it gets too much."""
    left = ALL_CHARACTERS
    for part in found:
        left -= len(part.content) * (MARKDOWN_COSTS if part.kind == "markdown" else 1)
        if left < 0:
            yield Part("note", "There is more, which is not shown here.")
            return
        if part.kind == "picture":
            yield part
            continue
        shown = part.content[:TEXT_CHARACTERS]
        yield Part(part.kind, to_html(shown) if part.kind == "markdown" else shown)
        if len(shown) < len(part.content):
            yield Part("note", "This goes on, which is not shown here.")
