"""What is shown of a stranger's notebook."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from html.parser import HTMLParser
from typing import Any

import pytest

from hpcbinderhub.errors import UserError
from hpcbinderhub.launches import preview
from hpcbinderhub.launches.preview import Part, parts


def notebook(*cells: dict[str, Any]) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def output(**data: Any) -> dict[str, Any]:
    """A cell without source whose output has this data."""
    outputs = [{"output_type": "display_data", "data": data, "metadata": {}}]
    return {"cell_type": "code", "source": "", "outputs": outputs}


def png(width: int, height: int) -> str:
    """A picture in one colour, or at least the beginning of one that large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    row = b"\0" + b"\x80" * min(width, 10)
    body = zlib.compress(row * min(height, 10))
    made = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return base64.b64encode(made).decode()


class Tags(HTMLParser):
    """The tags of some HTML, as a browser would find them."""

    def __init__(self, html: str):
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def test_a_notebook_as_it_is_stored() -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": ["\x1b[32mdone\x1b[0m\n"]}
    error = {
        "output_type": "error",
        "ename": "E",
        "evalue": "",
        "traceback": ["\x1b[0;31mE", "at 1"],
    }
    shown = parts(
        "a.ipynb",
        notebook(
            {"cell_type": "markdown", "source": ["# Tides\n", "\n", "of *two* harbours"]},
            {"cell_type": "code", "source": "print('done')", "outputs": [stream, error]},
            output(**{"text/plain": "<Figure>", "image/png": png(4, 4)}),
            {"cell_type": "raw", "source": "as it is"},
        ),
    )
    assert shown == [
        Part("markdown", "<h1>Tides</h1>\n<p>of <em>two</em> harbours</p>\n"),
        Part("code", "print('done')"),
        Part("output", "done"),
        Part("output", "E\nat 1"),
        Part("picture", png(4, 4)),
        Part("code", "as it is"),
    ]


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "text <img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](../../hub/logout)",
        "[a](//evil.example.org)",
        "<javascript:alert(1)>",
        "![a](https://evil.example.org/who-looks.png)",
        '![<b onload="x">](https://evil.example.org/a.png)',
        "[a]: javascript:alert(1)\n\n[a]",
        "```<script>\n</code></pre><script>alert(1)</script>\n```",
        "<style>*{}</style>",
        "<iframe src=//evil.example.org></iframe>",
    ],
)
def test_markdown_does_nothing(hostile: str) -> None:
    (shown,) = parts("README.md", hostile)
    found = Tags(shown.content).found
    assert found
    assert {tag for tag, _ in found} <= {"p", "a", "em", "pre", "code"}
    assert [attributes for tag, attributes in found if tag != "code" and attributes] == []


def test_links_elsewhere_open_tabs_that_know_nothing_of_ours() -> None:
    (shown,) = parts("README.md", "See [the docs](https://example.org/?a=1&b=2).")
    assert shown.content == (
        '<p>See <a href="https://example.org/?a=1&amp;b=2" rel="noopener noreferrer" '
        'target="_blank">the docs</a>.</p>\n'
    )


@pytest.mark.parametrize(
    "data",
    [
        {"text/html": "<script>alert(1)</script>"},
        {"image/svg+xml": "<svg onload=alert(1)>"},
        {"application/javascript": "alert(1)"},
        {"image/png": {"not": "text"}},
    ],
)
def test_outputs_that_could_do_something_are_not_shown(data: dict[str, Any]) -> None:
    assert parts("a.ipynb", notebook(output(**data))) == []
    beside = parts("a.ipynb", notebook(output(**data, **{"text/plain": "42"})))
    assert beside == [Part("output", "42")]


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        ('x" onerror="alert(1)', "not what it says"),
        (base64.b64encode(b"GIF89a" + bytes(100)).decode(), "not what it says"),
        (png(4, 4) + '"><script>', "not what it says"),
        (png(60_000, 60_000), "too large"),
        (png(4, 4) + "A" * preview.PICTURE_CHARACTERS, "too large"),
    ],
)
def test_pictures_that_are_none_or_too_large(picture: str, sentence: str) -> None:
    (shown,) = parts("a.ipynb", notebook(output(**{"image/png": picture})))
    assert shown.kind == "note"
    assert sentence in shown.content


def test_markdown_that_takes_long_is_cut_soon() -> None:
    """Brackets that never close are gone over again and again."""
    cells = [{"cell_type": "markdown", "source": "![" * 5_000} for _ in range(200)]
    shown = preview.parts("a.ipynb", json.dumps({"cells": cells}))
    assert len(shown) < 40
    assert shown[-1].kind == "note"


def test_huge_outputs_are_cut_and_so_is_the_whole() -> None:
    long = {"output_type": "stream", "name": "stdout", "text": "x" * 50_000}
    shown = parts("a.ipynb", notebook({"cell_type": "code", "source": "", "outputs": [long] * 200}))
    assert len(shown[0].content) == preview.TEXT_CHARACTERS
    assert shown[1] == Part("note", "This goes on, which is not shown here.")
    assert shown[-1] == Part("note", "There is more, which is not shown here.")
    assert sum(len(part.content) for part in shown) < preview.ALL_CHARACTERS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"worksheets": []}',
        '{"cells": [{"source": 1, "cell_type": "code"}]}',
        '{"cells": [{"cell_type": "code", "outputs": [{"output_type": "x", "data": []}]}]}',
        '{"cells": ' + "[" * 100_000,
        "version https://git-lfs.github.com/spec/v1\n",
    ],
)
def test_what_is_no_notebook_is_said(text: str) -> None:
    with pytest.raises(UserError, match=r"“a\.ipynb” is not a notebook"):
        parts("a.ipynb", text)


def test_another_file_is_shown_if_it_is_text() -> None:
    assert parts("a.py", "print(1)\n") == [Part("code", "print(1)\n")]
    with pytest.raises(UserError, match="is not text"):
        parts("a.h5", "\x89HDF\0")
