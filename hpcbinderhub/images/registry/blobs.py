"""Blobs on their way: read from their beginning while the rest still comes."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType

import requests

from .client import Descriptor, Forged, Registry, RegistrySilent

AT_ONCE = 3
TRIES = 5
PAUSE = 1.0


class Stopped(Exception):
    """Nobody wants the blob any more."""


class Blob:
    """One blob in a file without a name, which disappears with this process."""

    def __init__(self, registry: Registry, repository: str, what: Descriptor, folder: Path):
        self.what = what
        self._registry = registry
        self._repository = repository
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115  It lives as long as the blob.
        self._hash = hashlib.sha256()
        self._there = 0
        self._end: BaseException | bool = False
        self._more = threading.Condition()
        self._stopped = False

    def fetch(self) -> None:
        """Fetch it, going on where a connection broke, and check it."""
        try:
            for pause in (*(PAUSE * 2**number for number in range(TRIES)), None):
                try:
                    self._fetch_rest()
                    break
                except (RegistrySilent, requests.RequestException) as error:
                    if pause is None:
                        raise RegistrySilent("of the image", str(error)) from error
                    time.sleep(pause)
            if f"sha256:{self._hash.hexdigest()}" != self.what.digest:
                raise Forged(self.what.digest)
            self._say(True)
        except BaseException as error:  # Whoever reads raises it.
            self._say(error)

    def read_at(self, offset: int, size: int) -> bytes:
        """Bytes from an offset on; none at the end of a blob that is the right one."""
        with self._more:
            self._more.wait_for(lambda: self._end or self._there > offset)
            if isinstance(self._end, BaseException):
                raise self._end
        return os.pread(self._file.fileno(), size, offset)

    def stop(self) -> None:
        """Fetch no more of it, and forget it."""
        self._stopped = True

    def close(self) -> None:
        """Forget it."""
        self._file.close()

    def _fetch_rest(self) -> None:
        for piece in self._registry.blob(self._repository, self.what, self._there):
            if self._stopped:
                raise Stopped
            if self._there + len(piece) > self.what.size:
                raise Forged(self.what.digest)
            self._file.write(piece)
            self._file.flush()
            self._hash.update(piece)
            with self._more:
                self._there += len(piece)
                self._more.notify_all()
        if self._there < self.what.size:
            raise RegistrySilent("of the image", "a blob ended too early")

    def _say(self, end: BaseException | bool) -> None:
        with self._more:
            self._end = end
            self._more.notify_all()


class BlobReader(io.RawIOBase):
    """A blob as a file."""

    def __init__(self, blob: Blob):
        self._blob = blob
        self._offset = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """What is there, at most as much as there is room for."""
        data = self._blob.read_at(self._offset, len(buffer))
        buffer[: len(data)] = data
        self._offset += len(data)
        return len(data)


class Fetched:
    """Blobs that are fetched a few at a time, in the order in which they are wanted."""

    def __init__(
        self, registry: Registry, repository: str, wanted: Sequence[Descriptor], folder: Path
    ):
        self._blobs = [Blob(registry, repository, what, folder) for what in wanted]
        self._threads = ThreadPoolExecutor(AT_ONCE)

    def __enter__(self) -> Sequence[Blob]:
        for blob in self._blobs:
            self._threads.submit(blob.fetch)
        return self._blobs

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for blob in self._blobs:
            blob.stop()
        self._threads.shutdown(cancel_futures=True)
        for blob in self._blobs:
            blob.close()
