"""`workers.map` and `workers.submit`, on any client."""

from __future__ import annotations

import operator

import pytest
from distributed import Client, Event

from hpcbinder.cells.calls import Calls
from hpcbinder.cells.errors import CallError


class Crew(Calls):
    """What mixes it in, as `Workers` do."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def client(self) -> Client:
        return self._client


def test_results_come_as_they_arrive_or_in_order(client: Client) -> None:
    def after(event: str, value: int) -> int:
        if value == 0:
            Event(event).wait()
        return value * value

    crew = Crew(client)
    arriving = iter(crew.map(after, ["first"] * 3, [0, 1, 2]).pairs())
    early = [next(arriving), next(arriving)]
    assert sorted(early) == [(("first", 1), 1), (("first", 2), 4)]
    Event("first", client=client).set()
    assert next(arriving) == (("first", 0), 0)
    Event("second", client=client).set()
    assert list(crew.map(after, ["second"] * 3, [0, 1, 2], ordered=True)) == [0, 1, 4]


def test_an_error_names_the_worker_and_the_input(client: Client) -> None:
    crew = Crew(client)
    with pytest.raises(CallError, match=r"ZeroDivisionError: .* \(on [01], given 1, 0\)") as caught:
        crew.submit(operator.floordiv, 1, 0).result()
    assert caught.value.given == "1, 0"
    found = list(crew.map(operator.floordiv, [4, 4], [0, 2], ordered=True, errors="return"))
    assert isinstance(found[0], CallError)
    assert found[1] == 2
    with pytest.raises(CallError):
        list(crew.map(operator.floordiv, [4, 4], [0, 2]))
