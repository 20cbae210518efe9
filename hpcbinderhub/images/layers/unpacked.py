"""A layer without its compression: unpacked ahead in a thread, as far as there is room."""

from __future__ import annotations

import io
import queue
import sys
import threading
from types import TracebackType
from typing import IO, Any, cast

from isal import igzip, igzip_lib

from .entry import BadLayer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE = 1 << 20
AHEAD = 8
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

BROKEN: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    igzip_lib.IsalError,  # type: ignore[assignment]
    zstd.ZstdError,
)


class Unpacked:
    """`with` it, read what a layer holds; `limit` is how many bytes that may be."""

    def __init__(self, packed: io.RawIOBase, limit: int):
        self._packed = packed
        self._limit = limit
        self._pieces: queue.Queue[bytes | BaseException] = queue.Queue(AHEAD)
        self._piece = memoryview(b"")
        self._done = False
        self._thread = threading.Thread(target=self._unpack)

    def __enter__(self) -> Unpacked:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done = True
        while self._thread.is_alive():
            while not self._pieces.empty():
                self._pieces.get()
            self._thread.join(0.01)

    def read(self, size: int, /) -> bytes:
        """At most as many bytes; none at the end."""
        if not self._piece:
            piece = self._pieces.get()
            if isinstance(piece, BaseException):
                self._pieces.put(piece)
                raise piece
            if not piece:
                self._pieces.put(piece)
            self._piece = memoryview(piece)
        taken, self._piece = self._piece[:size], self._piece[size:]
        return bytes(taken)

    def _unpack(self) -> None:
        try:
            left = self._limit
            packed = io.BufferedReader(self._packed, PIECE)
            with _plain(packed) as stream:
                while not self._done and (piece := stream.read(PIECE)):
                    left -= len(piece)
                    if left < 0:
                        raise BadLayer("it is larger than this site allows")
                    self._pieces.put(piece)
            # To its very end, where it turns out to be the right one.
            while not self._done and packed.read(PIECE):
                pass
            self._pieces.put(b"")
        except BROKEN as error:
            self._pieces.put(BadLayer(f"a layer cannot be unpacked ({error})"))
        except BaseException as error:  # Whoever reads raises it.
            self._pieces.put(error)


def _plain(packed: io.BufferedReader[Any]) -> IO[bytes]:
    """By what it begins with: what registries say of a layer's kind is not always so."""
    begin = packed.peek(4)[:4]
    if begin.startswith(GZIP):
        unpacked = igzip.IGzipFile(fileobj=_Kept(packed), mode="rb")  # type: ignore[no-untyped-call]
        return cast(IO[bytes], unpacked)
    if begin == ZSTD:
        return cast(IO[bytes], zstd.ZstdFile(_Kept(packed)))
    return cast(IO[bytes], _Kept(packed))


class _Kept(io.RawIOBase):
    """A stream that stays open when its reader is done."""

    def __init__(self, stream: io.BufferedReader[Any]):
        self._stream = stream

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """What the stream has next."""
        return self._stream.readinto(buffer)
