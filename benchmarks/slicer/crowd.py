"""Eight people slide through gzip data; somebody else's page asks the server how it is."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier

from .connection import Connection
from .cubes import Stored
from .pacing import RATE
from .ways import Drag, Peer, Slice, Way

CLIENTS = 8
ASKED_A_SECOND = 50
START_SECONDS = 60
PATIENCE = 4
"""After so many times what it should take, it is known to be far too slow."""

Client = Callable[[int, Stored], Way]


def dragging(port: int, data: Stored) -> Way:
    """A client of ours."""
    return Drag(port, data)


def h5web(port: int, data: Stored) -> Way:
    """A client of h5web's server."""
    return Peer(port, data, "h5web/data")


def status_seconds(port: int, data: Stored, client: Client | None, seconds: float) -> list[float]:
    """What `/api/status` takes while eight clients slide, or none."""
    if client is None:
        return _asked(port, seconds)
    with _scrubbing(port, data, client):
        return _asked(port, seconds)


def _asked(port: int, seconds: float) -> list[float]:
    """Counted from when each answer was due to be asked for: one that waits makes others wait."""
    taken = []
    with Connection(port) as connection:
        begun = time.perf_counter()
        for turn in range(int(seconds * ASKED_A_SECOND)):
            due = begun + turn / ASKED_A_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            connection.get("api/status")
            now = time.perf_counter()
            taken.append(now - due)
            if now - begun > PATIENCE * seconds:
                break
    return taken


@contextmanager
def _scrubbing(port: int, data: Stored, client: Client) -> Iterator[None]:
    """In a process of the clients' own, so that they do not slow who measures."""
    context = multiprocessing.get_context("spawn")
    started = context.Barrier(CLIENTS + 1)
    process = context.Process(target=_crowd, args=(port, data, client, started), daemon=True)
    process.start()
    try:
        started.wait(START_SECONDS)
        yield
        assert process.is_alive(), "a client got no answer: see above"
    finally:
        process.terminate()
        process.join()


def _crowd(port: int, data: Stored, client: Client, started: Barrier) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [client(port, data) for _ in range(CLIENTS)]
        futures = [pool.submit(_scrub, way, data, n, started) for n, way in enumerate(clients)]
        for future in futures:
            future.result()


def _scrub(way: Way, data: Stored, number: int, started: Barrier) -> None:
    """To and fro on one axis, no faster than a screen shows, each from somewhere else."""
    axis = number % 3
    length = data.shape[axis]
    way.take(Slice(axis, number * length // CLIENTS))
    started.wait(START_SECONDS)
    place, direction = number * length // CLIENTS, 1
    while True:
        begun = time.perf_counter()
        if not 0 <= place + direction < length:
            direction = -direction
        place += direction
        way.take(Slice(axis, place, direction))
        time.sleep(max(0.0, 1 / RATE - (time.perf_counter() - begun)))
