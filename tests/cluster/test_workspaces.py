"""Workspaces on the cluster's shared storage, as the agent on a login node sees them."""

from __future__ import annotations

from typing import Any

import pytest
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def workspace_of(person: Person, repository: str) -> dict[str, Any]:
    listed = person.call("GET", "api/workspaces").json()["workspaces"]
    (found,) = [one for one in listed if one["repo_url"] == repository]
    return dict(found)


async def test_work_on_a_node_is_known_on_the_login_node(alice: Person, rig: Rig) -> None:
    repository = rig.repository(f"shelved-{rig.unique()[:6]}", rig.unseen({}))
    last = alice.follow(alice.launch(repository))
    assert last["phase"] == "ready", last
    found = workspace_of(alice, repository)
    assert found["path"].startswith("/home/alice/hpcbinder/workspaces/shelved-")
    assert (found["changes"], found["unshared"]) == (0, 0)
    (server,) = alice.servers()
    assert found["server"] == server

    await Lab(alice, last["url"]).run("open('mine.txt', 'w').write('mine')")
    alice.stop(server)
    found = workspace_of(alice, repository)
    assert (found["changes"], found["server"]) == (1, None)
    path = f"api/workspaces/{found['name']}"
    assert alice.call("DELETE", path).status_code == 409
    assert alice.call("DELETE", f"{path}?force=true").status_code == 204
    assert rig.cluster.run("login", "ls", found["path"], check=False).returncode != 0
