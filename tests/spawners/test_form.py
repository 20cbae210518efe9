"""JupyterHub's own ways to start a server: its form, and a start request that says nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException

from .rig import Rig, eventually


async def form(rig: Rig, asker: str, method: str = "GET", server: str = "lab") -> str:
    """What the hub's page shows to somebody who wants to start a server of Alice's."""
    spawner: Any = rig.user("alice").get_or_create_spawner(server, server)
    spawner.handler = SimpleNamespace(
        current_user=SimpleNamespace(name=asker), request=SimpleNamespace(method=method)
    )
    return str(await spawner.get_options_form())


async def test_the_form_leads_to_recent_environments_and_posts_nothing(rig: Rig) -> None:
    page = await form(rig, "alice")
    assert 'href="/services/binder/recent?server=lab"' in page
    assert 'location.replace("/services/binder/recent?server=lab")' in page
    assert "#spawn_form .feedback-container { display: none; }" in page
    assert 'href="/services/binder/recent"' in await form(rig, "alice", server="")


async def test_nobody_is_led_away_from_what_there_is_to_read(rig: Rig) -> None:
    assert "location" not in await form(rig, "alice", "POST")
    page = await form(rig, "carol")
    assert "location" not in page
    assert "by alice herself" in page


async def test_a_start_that_says_nothing_is_refused_with_the_way_on(rig: Rig) -> None:
    chooser = rig.user("alice").get_or_create_spawner("lab", "lab")
    assert chooser.options_from_form({"profile": ["small"]}) == {}
    with pytest.raises(SpawnException) as refused:
        await rig.user("alice").spawn("lab", options={})
    message, advice = str(refused.value).splitlines()
    assert message.endswith("Nothing says what this server is to run.")
    assert advice.endswith("/services/binder/mine")
    assert rig.slurm.jobs == []


async def test_a_launch_has_one_server_whatever_is_asked_for_by_hand(rig: Rig) -> None:
    """JupyterHub's server without a name is one more."""
    options = rig.options()
    job = await rig.ready("alice", **options)
    for restarted in (False, True):
        if restarted:
            await rig.restart()
        with pytest.raises(SpawnException, match="belongs to another server of yours, “lab”"):
            await rig.user("alice").spawn("", options=options)
        assert rig.slurm.jobs == [job]
    await rig.user("alice").stop("lab")
    with pytest.raises(SpawnException, match="belongs to another server of yours, “lab”"):
        await rig.user("alice").spawn("", options=options)
    assert len(rig.slurm.rows) == 1


async def test_a_server_that_has_ended_is_resumed_and_not_started_with_a_spent_ticket(
    rig: Rig,
) -> None:
    await rig.ready("alice")
    await rig.user("alice").stop("lab")
    for _ in range(2):
        with pytest.raises(SpawnException, match="This server has ended") as refused:
            await rig.user("alice").spawn("lab", options=None)
        assert "/services/binder/mine" in str(refused.value)
        assert len(rig.slurm.rows) == 1
        await rig.restart()  # The next hub says the same.

    # What resumes it is a launch of its own.
    rig.start("alice", launch="launch999999")
    await eventually(lambda: len(rig.slurm.rows) == 2)
