"""Whose connections are, as the kernel says."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from hpcbinderhub.hop.callers import caller_of


@pytest.fixture(params=["127.0.0.1", "::1"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.create_server((request.param, 0), family=family) as made:
        yield made


def test_a_program_of_this_host_has_an_owner_until_it_hangs_up(listener: socket.socket) -> None:
    theirs = socket.create_connection(listener.getsockname()[:2])
    ours, address = listener.accept()
    assert caller_of(address, ours.getsockname()) == os.getuid()
    theirs.close()
    with pytest.raises(ConnectionResetError):
        caller_of(address, ours.getsockname())
    ours.close()


def test_what_comes_from_elsewhere_has_none(listener: socket.socket) -> None:
    here = listener.getsockname()
    assert caller_of((here[0], 1), here) is None
    # Somebody listens here at the port that it has there.
    assert caller_of(here, (here[0], 1)) is None
