"""Requirements files, as pip and uv read them: whether each line names something remote.

An allow-list. The two programs differ in details (line ends, comments in continued lines, what
looks like a path); a line that they could take differently is not understood here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement

from .files import NotContentFree, Reading

_ENCODING = re.compile(r"#.*coding[:=]")
_URL = r"https?://[A-Za-z0-9][^\s\\$\"'<>{}|^`/]*(/[^\s\\$\"'<>{}|^`]*)?"
_REMOTE = re.compile(rf"(git\+)?{_URL}")
_HASH = re.compile(r"--hash=sha(256|384|512):[0-9a-f]+")
_INCLUDE = re.compile(
    r"(?:(?:-r|-c|--requirement|--constraint)\s+|(?:--requirement|--constraint)=)(\S+)"
)
_INDEX = re.compile(rf"((-i|-f)\s+|(--index-url|--extra-index-url|--find-links)(\s+|=)){_URL}")
_SWITCH = re.compile(
    r"--pre|--prefer-binary|--require-hashes|--no-index"
    r"|(--no-binary|--only-binary|--trusted-host)(\s+|=)[A-Za-z0-9_.:,-]+"
)
# uv takes a file by other names (pyproject.toml, setup.py, pylock.toml) for what it is called.
_INCLUDED = re.compile(r"(\./|(\.\./)*)([A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_.-]+\.(txt|in)")
_ARCHIVES = (
    *(".whl", ".zip", ".egg", ".tar", ".tgz", ".tbz", ".txz", ".tlz"),
    *(".gz", ".bz2", ".xz", ".lz", ".lzma", ".zst"),
)


def read(path: str, text: str) -> Reading:
    """A requirements or constraints file of the repository."""
    if any(_ENCODING.match(line) for line in text.split("\n", 2)[:2]):
        raise NotContentFree(f"{path} names an encoding")
    included = (included_by(line, path) for line in logical_lines(text))
    return Reading(tuple(name for name in included if name is not None))


def logical_lines(text: str) -> Iterator[str]:
    """Lines without comments, with those put together that a backslash continues."""
    joined: str | None = None
    for line in text.removesuffix("\n").split("\n"):
        part = line.removesuffix("\\")
        continued = part != line
        if "\\" in part or ("#" in part and (continued or joined is not None)):
            raise NotContentFree(f"the continued line “{line}”")
        if joined is None:
            joined = _without_comment(part)
        elif (joined[-1:] + part[:1]).strip() == joined[-1:] + part[:1]:
            raise NotContentFree(f"a line is broken within a word before “{line}”")
        else:
            joined += part
        if not continued:
            if joined.strip():
                yield joined.strip()
            joined = None
    if joined is not None:
        raise NotContentFree("the last line is continued")


def _without_comment(line: str) -> str:
    """What is before a `#` that begins the line or a word."""
    at = line.find("#")
    while at > 0 and not line[at - 1].isspace():
        at = line.find("#", at + 1)
    return line if at < 0 else line[:at]


def included_by(line: str, path: str) -> str | None:
    """The file that a line of a file includes, if it does; NotContentFree if the line is not
    known to name something remote."""
    if "$" in line:
        raise NotContentFree(f"a variable in “{line}”")
    if not line.startswith("-"):
        _check_requirement(line)
        return None
    include = _INCLUDE.fullmatch(line)
    if include:
        return _inside(include[1], path)
    if not (_INDEX.fullmatch(line) or _SWITCH.fullmatch(line)):
        raise NotContentFree(f"the option “{line}”")
    return None


def _inside(name: str, path: str) -> str:
    """Where an included file is in the repository: beside the file that includes it."""
    where = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    if not _INCLUDED.fullmatch(name) or where.startswith(".."):
        raise NotContentFree(f"the included file “{name}”")
    return where


def _check_requirement(line: str) -> None:
    words = line.split()
    while len(words) > 1 and _HASH.fullmatch(words[-1]):
        words.pop()
    bare = " ".join(words)
    if _REMOTE.fullmatch(bare):
        return
    try:
        wanted = Requirement(bare)
    except InvalidRequirement as error:
        raise NotContentFree(f"“{line}” is no requirement") from error
    if wanted.url is not None:
        if not _REMOTE.fullmatch(wanted.url):
            raise NotContentFree(f"“{line}” is not remote")
    elif any(part in bare.partition(";")[0] for part in ("/", "===")):
        # pip asks whether a file or folder of that name is there.
        raise NotContentFree(f"“{line}” may be a path")
    if any(word.startswith("-") for word in words):
        raise NotContentFree(f"“{line}” holds an option")
    if wanted.name.lower().endswith(_ARCHIVES):
        raise NotContentFree(f"“{line}” may be a file")
