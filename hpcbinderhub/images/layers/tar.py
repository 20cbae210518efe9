"""Tar, as layers use it: read from a stream without going back, and written to one.

Extended attributes, owners and devices' numbers are not read, since no artefact has any.
https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Protocol

from .entry import LONGEST_PATH, BadLayer, Entry, Kind, cleaned, shown

BLOCK = 512
PIECE = 1 << 18
LONGEST_EXTENSION = 1 << 20
NAME_BYTES = 100

_KINDS: dict[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"1": "link",
    b"2": "symlink",
    b"3": "other",
    b"4": "other",
    b"5": "folder",
    b"6": "other",
}
_TYPES: dict[Kind, bytes] = {"file": b"0", "link": b"1", "symlink": b"2", "folder": b"5"}


class Readable(Protocol):
    """A stream that gives no more than is asked for, and nothing at its end."""

    def read(self, size: int, /) -> bytes:
        """The next bytes."""


class TarReader:
    """The entries of a stream; the content of one is to be read before the next is asked for."""

    def __init__(self, stream: Readable):
        self._stream = stream
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Entry]:
        said: dict[bytes, bytes] = {}
        while (header := self._header()) is not None:
            kind, size = header[156:157], _number(header[124:136])
            if kind in (b"x", b"L", b"K"):
                said |= self._extension(kind, size)
                continue
            if kind == b"g":
                if {b"path", b"linkpath", b"size"} & self._extension(b"x", size).keys():
                    raise BadLayer("a layer gives several files one name")
                continue
            yield self._entry(header, kind, said)
            said = {}
            for _ in self.content():
                pass

    def content(self) -> Iterator[bytes]:
        """The content of the entry that was given last, in pieces."""
        while self._left:
            piece = self._exactly(min(self._left, PIECE))
            self._left -= len(piece)
            yield piece
        self._exactly(self._padding)
        self._padding = 0

    def _entry(self, header: bytes, kind: bytes, said: dict[bytes, bytes]) -> Entry:
        if kind not in _KINDS or any(key.startswith(b"GNU.sparse.") for key in said):
            raise BadLayer("a layer has an entry of a kind that layers do not have")
        name = said.get(b"path") or _name(header)
        target = said.get(b"linkpath") or _text(header[157:257])
        size = _decimal(said[b"size"]) if b"size" in said else _number(header[124:136])
        # A name that ends in a slash is a folder's, as in the oldest archives.
        known = "folder" if kind == b"\0" and name.endswith(b"/") else _KINDS[kind]
        if known == "symlink" and not 0 < len(target) <= LONGEST_PATH:
            raise BadLayer(f"{shown(name)} leads nowhere")
        self._expect(size if known == "file" else 0)
        return Entry(
            path=cleaned(name),
            kind=known,
            mode=_number(header[100:108]) & 0o7777,
            mtime=min(max(_number(header[136:148]), 0), 0xFFFFFFFF),
            size=size if known == "file" else 0,
            target=cleaned(target) if known == "link" else target,
        )

    def _expect(self, size: int) -> None:
        self._left, self._padding = size, -size % BLOCK

    def _header(self) -> bytes | None:
        """The next header; None at the end, which two empty blocks mark, or nothing at all."""
        header = self._stream.read(BLOCK)
        if header and len(header) < BLOCK:
            header += self._exactly(BLOCK - len(header))
        if not header or not header.strip(b"\0"):
            while self._stream.read(PIECE):
                pass  # Whoever checks the whole stream has read it to its end.
            return None
        checksum = sum(header[:148]) + sum(header[156:]) + 8 * ord(" ")
        if _number(header[148:156]) != checksum:
            raise BadLayer("a layer is no tar archive, or is broken")
        return header

    def _extension(self, kind: bytes, size: int) -> dict[bytes, bytes]:
        """What is said about the entry that follows."""
        if size > LONGEST_EXTENSION:
            raise BadLayer("a layer has a header that is too long")
        self._expect(size)
        text = b"".join(self.content())
        if kind == b"x":
            return dict(_records(text))
        return {b"path" if kind == b"L" else b"linkpath": _text(text)}

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size) if size else b""
        while len(data) < size:
            more = self._stream.read(size - len(data))
            if not more:
                raise BadLayer("a layer ends in the middle of a file")
            data += more
        return data


class TarWriter:
    """Writes entries as root's, readable by all, and without what makes somebody root."""

    def __init__(self, stream: IO[bytes], limit: int):
        self._stream = stream
        self._left = limit

    def add(self, entry: Entry, content: Iterable[bytes] = ()) -> None:
        """Write an entry, and the content of a file."""
        size = entry.size if entry.kind == "file" else 0
        self._left -= size + BLOCK
        if self._left < 0:
            raise BadLayer("it is larger than this site allows")
        for kind, text in ((b"K", entry.target), (b"L", entry.path)):
            if len(text) > NAME_BYTES:
                self._stream.write(_made(b"long", kind, 0o644, len(text) + 1, 0, b""))
                self._stream.write(text + b"\0" + bytes(-(len(text) + 1) % BLOCK))
        made = _made(entry.path, _TYPES[entry.kind], _mode(entry), size, entry.mtime, entry.target)
        self._stream.write(made)
        for piece in content:
            self._stream.write(piece)
        self._stream.write(bytes(-size % BLOCK))

    def end(self) -> None:
        """What ends an archive."""
        self._stream.write(bytes(2 * BLOCK))
        self._stream.flush()


def _mode(entry: Entry) -> int:
    everybodys = 0o555 if entry.kind == "folder" or entry.mode & 0o111 else 0o444
    return (entry.mode | everybodys) & ~0o6000


def _made(path: bytes, kind: bytes, mode: int, size: int, mtime: int, target: bytes) -> bytes:
    length = b"%011o" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
    header = b"%b%07o\0%07o\0%07o\0%b%011o\0        %b%b" % (
        path[:NAME_BYTES].ljust(NAME_BYTES, b"\0"),
        *(mode, 0, 0),
        length.ljust(12, b"\0"),
        mtime,
        kind,
        target[:NAME_BYTES].ljust(NAME_BYTES, b"\0"),
    )
    header = (header + b"ustar  \0").ljust(BLOCK, b"\0")
    return b"%b%06o\0 %b" % (header[:148], sum(header), header[156:])


def _name(header: bytes) -> bytes:
    name, prefix = _text(header[:100]), _text(header[345:500])
    # GNU's own archives keep other things in the place of the prefix.
    return prefix + b"/" + name if prefix and header[257:263] == b"ustar\0" else name


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        raise BadLayer("a layer has a header that cannot be read") from None


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 18:
        raise BadLayer("a layer has a header that cannot be read")
    return int(text)


def _records(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The records of an extended header: a length, a blank, a name, an equals sign, a value."""
    while text:
        length, _, _rest = text.partition(b" ")
        size = _decimal(length)
        name, equals, value = text[len(length) + 1 : size].partition(b"=")
        if not equals or size > len(text) or not value.endswith(b"\n"):
            raise BadLayer("a layer has a header that cannot be read")
        yield name, value[:-1]
        text = text[size:]
