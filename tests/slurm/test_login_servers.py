"""Servers on login nodes, where what their users' own accounts say is nothing to go by."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

import pytest

from hpcbinderhub.errors import UserError
from hpcbinderhub.slurm import apart
from hpcbinderhub.slurm.cluster import Cluster
from hpcbinderhub.slurm.jobs import Owned
from hpcbinderhub.slurm.login_servers import Known, LoginServers, Run

RUN = {
    "address": "login1",
    "host": "login1",
    "boot": "b",
    "pid": 1,
    "start": 1,
    "began": 1,
    "ends": 2,
}


class Nodes:
    """Login nodes on which everybody's server is over, and some accounts do not say how."""

    def __init__(self, **outcomes: Any) -> None:
        self.outcomes = outcomes
        self.record: Any = None

    async def uids(self, users: Iterable[str]) -> dict[str, int]:
        return dict.fromkeys(users, 2001)

    async def on_login_node(
        self, host: str, user: str, operation: str, **arguments: Any
    ) -> dict[str, Any]:
        if operation == "served":
            return {"run": self.record}
        if operation == "servers":
            return {"states": {run["id"]: "gone" for run in arguments["runs"]}}
        outcome = self.outcomes[user]
        if isinstance(outcome, asyncio.Event):
            await outcome.wait()
        if isinstance(outcome, Exception):
            raise outcome
        return dict(outcome)


async def test_who_does_not_say_how_her_server_ended_leaves_her_own_alone_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apart, "SECONDS", 1.0)
    nodes = Nodes(
        zoe=asyncio.Event(), eve=UserError("no"), bob={"state": "COMPLETED", "exit_code": "0:0"}
    )
    servers = LoginServers(cast(Cluster, nodes), ["login1"], "hpcwatch")
    asked = [Owned(str(number), user) for number, user in enumerate(nodes.outcomes)]
    for one in asked:
        run = Run.model_validate(RUN | {"id": one.job})
        servers.know(Known(one.owner, "launch", "/launch", run))
    seen = await servers.observe(asked)
    assert {one.owner: job.state for one, job in seen.items()} == {"bob": "COMPLETED"}


@pytest.mark.parametrize(
    "record", [RUN | {"id": "r", "address": "db.example.org:5432"}, {"id": "r"}, "r", [1]]
)
async def test_a_record_that_names_another_host_or_none_is_refused(record: Any) -> None:
    nodes = Nodes()
    nodes.record = record
    servers = LoginServers(cast(Cluster, nodes), ["login1"], "hpcwatch")
    with pytest.raises(UserError, match="no record of a server"):
        await servers.find("zoe", "launch", "/launch")
    nodes.record = RUN | {"id": "r"}
    assert await servers.find("zoe", "launch", "/launch") == "r"
