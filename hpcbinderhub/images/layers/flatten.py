"""An image's layers as one tree, in one pass from the topmost layer to the lowest.

The topmost layer that names a path decides about it, so what is known when a name is read is all
that matters for it, and it goes out at once.
https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md

Two things come too late in this order. A file that a layer above hides may have another name
further on in its own layer, so it is kept aside until its layer ends. And a layer may name a file
of a layer below once more: that name waits until the file comes by. What would have another meaning
if the layers were unpacked one over the other (a path through a symbolic link, one file twice in a
layer) is refused; no builder makes such layers from a file system.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from .entry import ROOT, BadLayer, Entry, above, cleaned, parent, shown
from .tar import PIECE, Readable, TarReader, TarWriter

WHITEOUT = b".wh."
OPAQUE = b".wh..wh..opq"
MOST_ENTRIES = 3_000_000
"""What is remembered of each takes some hundred bytes."""


@dataclass(frozen=True)
class Aside:
    """What is hidden, and may have a name yet that is not."""

    entry: Entry
    offset: int


class Flattening:
    """Takes layers from the topmost down, and writes what is left of them."""

    def __init__(
        self,
        writer: TarWriter,
        *,
        left_out: Collection[bytes] = (),
        emptied: Collection[bytes] = (),
        scratch: Path | None = None,
    ):
        self._writer = writer
        self._scratch = scratch
        self._left_out = frozenset(left_out)
        self._emptied = frozenset(emptied)
        self._named: set[bytes] = set()
        self._closed: set[bytes] = set()
        self._assumed: set[bytes] = set()
        self._implied: set[bytes] = set()
        self._waiting: dict[bytes, list[Entry]] = {}
        self._entries = 0
        self.written: dict[bytes, bool] = {}
        """Each path of the tree, and whether it is a folder."""

    def take(self, stream: Readable) -> None:
        """The next lower layer."""
        reader = TarReader(stream)
        with TemporaryFile(dir=self._scratch) as aside:
            layer = _Layer(aside)
            for entry in reader:
                self._entries += 1
                if self._entries > MOST_ENTRIES:
                    raise BadLayer(f"it has more than {MOST_ENTRIES} files")
                self._take_entry(layer, entry, reader.content())
        for folder in layer.folders.values():
            self._write(folder)
        self._implied |= {folder for folder in layer.assumed if self._shows(layer, folder)}
        self._end(layer)

    def end(self, needed: Collection[bytes]) -> None:
        """After the lowest layer: folders that nothing names, and those that engines need."""
        if self._waiting:
            raise BadLayer(f"{shown(next(iter(self._waiting)))} is named again but is not there")
        folders = (path + b"/" for path in (*self._implied, *needed))
        for path in [*self.written, *folders]:
            for folder in reversed(above(path)):
                if folder not in self.written:
                    self._write(Entry(folder, "folder"))
                elif not self.written[folder]:
                    break  # The image has a file or a link there, which is its own affair.
        self._writer.end()

    # -- one entry ---------------------------------------------------------------------------------

    def _take_entry(self, layer: _Layer, entry: Entry, content: Iterator[bytes]) -> None:
        folder, _, name = entry.path.rpartition(b"/")
        if any(part.startswith(b".wh..wh.") for part in entry.path.split(b"/")):
            if name == OPAQUE:
                layer.closed.add(folder)
        elif name.startswith(WHITEOUT):
            layer.hide(_whited_out(folder, name))
        elif entry.kind == "folder":
            self._take_folder(layer, entry)
        else:
            self._take_leaf(layer, entry, content)

    def _take_folder(self, layer: _Layer, entry: Entry) -> None:
        if entry.path == ROOT:
            return
        layer.name_folder(entry.path)
        if self._shows(layer, entry.path):
            layer.folders[entry.path] = entry

    def _take_leaf(self, layer: _Layer, entry: Entry, content: Iterator[bytes]) -> None:
        layer.name_leaf(entry.path)
        if entry.path in self._assumed:
            raise BadLayer(f"{shown(entry.path)} is a folder in one layer only by what is in it")
        names = self._waiting.pop(entry.path, [])
        if self._shows(layer, entry.path):
            names = [entry, *names]
        if entry.kind == "link":
            self._link(layer, entry, names)
        elif entry.kind == "other":
            layer.dropped.add(entry.path)
        elif names:
            self._write_under(layer, entry, names, content)
        else:
            layer.keep_aside(entry, content)

    def _write_under(
        self, layer: _Layer, entry: Entry, names: list[Entry], content: Iterator[bytes]
    ) -> None:
        """Write a file under its first name, and the others as further names of it."""
        first = names[0].path
        self._write(replace(entry, path=first), content)
        layer.home[entry.path] = first
        for other in names[1:]:
            self._write(Entry(other.path, "link", target=first))

    def _link(self, layer: _Layer, entry: Entry, names: list[Entry]) -> None:
        """A further name of a file of this layer, or of one below."""
        target = layer.origin.get(entry.target, entry.target)
        if target in layer.dropped:
            layer.dropped.add(entry.path)
        elif target in layer.home:
            layer.home[entry.path] = layer.home[target]
            for other in names:
                self._write(Entry(other.path, "link", target=layer.home[target]))
        elif target in layer.aside and names:
            kept = layer.aside[target]
            self._write_under(layer, kept.entry, names, layer.kept(kept))
            layer.home[target] = layer.home[entry.path] = names[0].path
        elif target in layer.aside:
            layer.aside[entry.path] = layer.aside[target]
        elif target in layer.named_folders or target == ROOT:
            raise BadLayer(f"{shown(entry.path)} is a further name of a folder")
        else:
            layer.origin[entry.path] = target
            layer.wanted.setdefault(target, []).extend(names)

    def _write(self, entry: Entry, content: Iterable[bytes] = ()) -> None:
        self.written[entry.path] = entry.kind == "folder"
        self._writer.add(entry, content)

    # -- what hides what ---------------------------------------------------------------------------

    def _shows(self, layer: _Layer, path: bytes) -> bool:
        if path in self._named or path in self._left_out:
            return False
        return not self._closed_off(layer, parent(path))

    def _closed_off(self, layer: _Layer, folder: bytes) -> bool:
        """Whether nothing shows in a folder, by what the layers above say."""
        known = layer.known.get(folder)
        if known is None:
            known = (
                folder in self._closed
                or folder in self._emptied
                or folder in self._left_out
                or (folder != ROOT and self._closed_off(layer, parent(folder)))
            )
            layer.known[folder] = known
        return known

    def _end(self, layer: _Layer) -> None:
        """What a layer says holds for those below it."""
        for path in self._waiting:
            if path in layer.named or any(folder in layer.closed for folder in above(path)):
                raise BadLayer(f"{shown(path)} is named again but is not there")
        for path, names in layer.wanted.items():
            if names:
                self._waiting.setdefault(path, []).extend(names)
        self._assumed = (self._assumed | layer.assumed) - layer.named
        self._named |= layer.named
        self._closed |= layer.closed


class _Layer:
    """What one layer says, while it is read."""

    def __init__(self, store: IO[bytes]):
        self._store = store
        self.named: set[bytes] = set()
        self.named_folders: set[bytes] = set()
        self.leaves: set[bytes] = set()
        self.closed: set[bytes] = set()
        self.assumed: set[bytes] = set()
        self.folders: dict[bytes, Entry] = {}
        self.dropped: set[bytes] = set()
        self.home: dict[bytes, bytes] = {}
        """Where the content of a file is in the tree."""
        self.aside: dict[bytes, Aside] = {}
        self.origin: dict[bytes, bytes] = {}
        """Further names of files of layers below, and those files' paths there."""
        self.wanted: dict[bytes, list[Entry]] = {}
        self.known: dict[bytes, bool] = {}

    def hide(self, path: bytes) -> None:
        """What lies below is not there any more."""
        self.named.add(path)
        self.closed.add(path)

    def name_folder(self, path: bytes) -> None:
        """A folder; twice is once."""
        if path in self.leaves:
            raise BadLayer(f"{shown(path)} is a file and a folder in one layer")
        self._pass_through(path)
        self.named_folders.add(path)
        self.named.add(path)
        self.assumed.discard(path)

    def name_leaf(self, path: bytes) -> None:
        """A file, or what else is no folder."""
        if path == ROOT or path in self.leaves:
            raise BadLayer(f"{shown(path)} is there twice in one layer")
        if path in self.named_folders or path in self.assumed:
            raise BadLayer(f"{shown(path)} is a file and a folder in one layer")
        self._pass_through(path)
        self.leaves.add(path)
        self.hide(path)

    def _pass_through(self, path: bytes) -> None:
        for folder in above(path):
            if folder in self.leaves:
                raise BadLayer(f"{shown(path)} leads through a file or a link")
            if folder in self.named_folders or folder in self.assumed:
                break
            self.assumed.add(folder)

    def keep_aside(self, entry: Entry, content: Iterator[bytes]) -> None:
        """Keep a file until the layer ends."""
        self.aside[entry.path] = Aside(entry, self._store.seek(0, 2))
        for piece in content:
            self._store.write(piece)

    def kept(self, aside: Aside) -> Iterator[bytes]:
        """The content of such a file."""
        self._store.seek(aside.offset)
        left = aside.entry.size
        while left:
            piece = self._store.read(min(left, PIECE))
            left -= len(piece)
            yield piece


def _whited_out(folder: bytes, name: bytes) -> bytes:
    gone = name.removeprefix(WHITEOUT)
    if gone in (b"", b".", b".."):
        raise BadLayer(f"a layer names {shown(name)}, which hides nothing")
    return cleaned(folder + b"/" + gone)
