"""How users' servers are, as the hub tells the service."""

from __future__ import annotations

import pytest
from service.hub import RunningHub

from hpcbinderhub.errors import UserError
from hpcbinderhub.launches.hub import Hub


async def test_the_service_may_ask_and_others_may_not(hub: RunningHub) -> None:
    url = f"http://127.0.0.1:{hub.hub_port}/hub/api"
    for user in ("alice", "nobody"):
        assert await Hub(url, hub.service_token).states(user) == ([], [])
    with pytest.raises(UserError) as caught:
        await Hub(url, hub.scraper_token).states("carol")
    assert caught.value.status == 403
