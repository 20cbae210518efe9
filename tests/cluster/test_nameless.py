"""JupyterHub's own ways to a server: its button, which leads to `/hub/spawn`, and its default
server, which has no name."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"


def nameless(person: Person, options: dict[str, Any]) -> dict[str, Any]:
    """The default server, asked for by hand; the last word on its start."""
    answer = person.hub("POST", f"users/{person.name}/server", options)
    assert answer.status_code in (201, 202), answer.text
    told = person.hub("GET", f"users/{person.name}/server/progress").text
    lines = [line for line in told.splitlines() if line.startswith("data: ")]
    return dict(json.loads(lines[-1].removeprefix("data: ")))


def offered(person: Person) -> str:
    """Where JupyterHub's button ends: the link of the site's own environment."""
    form = person.client.get("/hub/spawn").text
    (address,) = re.findall(r'location\.replace\("([^"]+)"\)', form)
    page = person.client.get(address).text
    (link,) = re.findall(r'href="(/services/binder/v2/git/[^"]+quickstart\.git/HEAD)"', page)
    assert person.client.get(link).status_code == 200
    return str(link)


async def is_in_image(person: Person, address: str) -> bool:
    """Whether code in this server is where the repository's packages are."""
    world = await Lab(person, address).run("import sys; print(sys.prefix)")
    return world.strip() == "/srv/hpcbinder/env"


async def test_jupyterhubs_button_and_its_default_server(alice: Person, rig: Rig) -> None:
    assert offered(alice)
    assert rig.jobs("alice") == []
    last = alice.follow(alice.launch(QUICKSTART, start_when_ready=True))
    assert last["phase"] == "ready", last
    (named,) = alice.servers()
    assert await is_in_image(alice, last["url"])

    # Without a repository the default server runs nothing, and it takes no other's launch.
    (job,) = rig.jobs("alice")
    options = alice.hub("GET", "users/alice").json()["servers"][named]["user_options"]
    assert "from “Yours”" in nameless(alice, {})["message"]
    assert f"another server of yours, “{named}”" in nameless(alice, options)["message"]
    assert (alice.servers(), rig.jobs("alice")) == ([named], [job])
    alice.stop(named)
    eventually(lambda: not rig.jobs("alice"), 180, "no job is left")

    # With one, and in a workspace that has its commit, it is a server as any.
    ready = nameless(alice, options | {"launch": rig.unique()[:16]})
    assert ready.get("url") == "/user/alice/", ready
    assert await is_in_image(alice, ready["url"])
    assert alice.servers() == [""]
    assert "Your server without a name" in alice.client.get("/services/binder/mine").text
    alice.stop("")
    assert alice.servers() == []
    eventually(lambda: not rig.jobs("alice"), 180, "no job is left of it either")
