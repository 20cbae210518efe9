"""Which client, and which of its workers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from distributed.client import Client, _get_global_client
from distributed.deploy.cluster import Cluster

from .errors import Refused


def client_of(named: str | None, variables: Mapping[str, Any]) -> Client:
    """The client that is named or, if none is, the last that was made."""
    if named is not None:
        found = variables.get(named)
    else:
        clusters = [value for value in variables.values() if _open(value)]
        found = _get_global_client() or (clusters[-1] if clusters else None)
    if isinstance(found, Client):
        return found
    if isinstance(found, Cluster):
        return found.get_client()
    if named is not None:
        raise Refused(f"“{named}” is neither Workers nor a Client.", "Make some: Workers(4).")
    raise Refused(
        "There are no workers.",
        "Make some: from hpcbinder import Workers; workers = Workers(4); client = workers.client()",
    )


def workers_of(client: Client) -> dict[str, str]:
    """The workers' addresses by their names, in the order of these."""
    # Lately no more than five are told, unless one asks for all.
    told = inspect.signature(client.scheduler_info).parameters
    info = client.scheduler_info(**({"n_workers": -1} if "n_workers" in told else {}))
    found = {str(worker["name"]): address for address, worker in info["workers"].items()}
    return {name: found[name] for name in sorted(found, key=_natural)}


def chosen(there: Mapping[str, str], on: Iterable[str]) -> dict[str, str]:
    """Those of the given names, nodes or addresses."""
    found: dict[str, str] = {}
    for wanted in on:
        fitting = {
            name: address
            for name, address in there.items()
            if wanted in (name, name.rpartition("-")[0], address)
        }
        if not fitting:
            raise Refused(f"There is no worker “{wanted}”.", f"There are {', '.join(there)}.")
        found.update(fitting)
    return found


def _open(value: Any) -> bool:
    return isinstance(value, Cluster) and value.status.name == "running"


def _natural(name: str) -> list[tuple[int, str]]:
    """So that 10 comes after 9."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
