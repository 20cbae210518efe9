"""Functions called on workers one by one: results as they arrive, errors that say where and with
what."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from distributed.client import Client, Future, as_completed
from distributed.scheduler import KilledWorker
from distributed.worker import get_worker

from .errors import CallError
from .parts import Failure

LONGEST = 200


class Calls:
    """What `Workers` have beside Dask's client. Whoever mixes it in has a `client()`."""

    def submit(self, function: Callable[..., Any], *given: Any, **named: Any) -> Future:
        """Call a function on a worker; a future of Dask's, whose error names worker and input."""
        return submitted(self.client(), function, *given, **named)  # type: ignore[attr-defined]

    def map(
        self,
        function: Callable[..., Any],
        *inputs: Iterable[Any],
        ordered: bool = False,
        errors: str = "raise",
    ) -> Mapped:
        """Call a function with each input; see `Mapped`."""
        client = self.client()  # type: ignore[attr-defined]
        return Mapped(client, function, *inputs, ordered=ordered, errors=errors)


class Mapped:
    """The results of many calls, to iterate over: as they arrive or, if `ordered`, in the order of
    the inputs. A call that fails raises `CallError`, or is one if `errors` is "return"."""

    def __init__(
        self,
        client: Client,
        function: Callable[..., Any],
        *inputs: Iterable[Any],
        ordered: bool = False,
        errors: str = "raise",
    ) -> None:
        if errors not in ("raise", "return"):
            raise ValueError(f"errors is “raise” or “return”, not “{errors}”.")
        self._client = client
        self._given = list(zip(*inputs))
        self._ordered = ordered
        self._raises = errors == "raise"
        self.futures = client.map(_wrapped(function), *zip(*self._given), pure=False)

    def __len__(self) -> int:
        return len(self._given)

    def __iter__(self) -> Iterator[Any]:
        for _, result in self.pairs():
            yield result

    def pairs(self) -> Iterator[tuple[Any, Any]]:
        """Each input with its result."""
        places = {future.key: place for place, future in enumerate(self.futures)}
        for future in self.futures if self._ordered else as_completed(self.futures):
            given = self._given[places[future.key]]
            yield given[0] if len(given) == 1 else given, self._result(future, given)

    def cancel(self) -> None:
        """Begin no more calls; those that run end by themselves."""
        self._client.cancel(self.futures)

    def _result(self, future: Future, given: tuple[Any, ...]) -> Any:
        error = future.exception()
        if error is None:
            return future.result()
        if isinstance(error, KilledWorker):
            # It could not say so itself.
            failure = Failure("KilledWorker", str(error), "")
            error = CallError(str(error.last_worker.name), _text(given, {}), failure)
        if self._raises:
            raise error
        return error


def submitted(client: Client, function: Callable[..., Any], *given: Any, **named: Any) -> Future:
    """See `Calls.submit`."""
    return client.submit(_wrapped(function), *given, **named, pure=False)


def _wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """By its own name, which the dashboard shows."""
    wrapped = functools.partial(call, function)
    name = getattr(function, "__name__", type(function).__name__)
    wrapped.__name__ = name  # type: ignore[attr-defined]
    return wrapped


def call(function: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """On the worker: call it, and say more if it fails."""
    try:
        return function(*given, **named)
    except Exception as error:
        told = traceback.TracebackException.from_exception(error)
        # The first frame is this one.
        told.stack = traceback.StackSummary.from_list(list(told.stack)[1:])
        failure = Failure(type(error).__name__, str(error), "".join(told.format()).rstrip())
        worker = str(get_worker().name)
        raise CallError(worker, _text(given, named), failure) from error


def _text(given: tuple[Any, ...], named: dict[str, Any]) -> str:
    words = [repr(value) for value in given] + [
        f"{name}={value!r}" for name, value in named.items()
    ]
    text = ", ".join(words)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
