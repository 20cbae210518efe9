"""What viewers that were made for other servers ask: h5grove's and jupyterlab-hdf5's questions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from ..catalogue.loading import Read
from ..files.links import Place
from ..peers import h5grove, jupyterlab_hdf5
from ..peers.h5grove import Reads
from ..process.answer import Answer
from ..process.table import Arguments, Operation
from ..work import Work
from .looking import Looking


class Peer(Protocol):
    """How `peers/` answers."""

    def __call__(
        self,
        endpoint: str,
        root: Place,
        arguments: Mapping[str, str],
        work: Work,
        read: Reads,
        keys: Sequence[str] = (),
    ) -> Answer: ...


def operations(looking: Looking) -> dict[str, Operation]:
    """`h5grove` and `hdf`; which of their endpoints is meant is the argument `endpoint`."""

    def read(place: Place) -> Read:
        return looking.reader(place).read

    def of(peer: Peer) -> Operation:
        def operation(arguments: Arguments, work: Work) -> Answer:
            # Paths inside of the file are theirs to follow, each in its own way.
            with looking.at({"file": arguments["file"]}, work) as root:
                keys = json.loads(arguments.get("attr_keys", "[]"))
                return peer(arguments["endpoint"], root, arguments, work, read, keys)

        return operation

    return {"h5grove": of(h5grove.answer), "hdf": of(jupyterlab_hdf5.answer)}
