"""Jobs that are no servers, as the service hears of them from the hub's one watcher."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hpcbinderhub.spawners import watching
from hpcbinderhub.spawners.leases import Leases
from jupyterhub import orm, roles
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from hpcbinderhub.errors import UserError
from hpcbinderhub.launches.hub import Hub
from hpcbinderhub.slurm.cluster import Submission
from hpcbinderhub.slurm.jobs import Owned

from .rig import Rig, eventually


@pytest.fixture
async def address(rig: Rig) -> AsyncIterator[str]:
    """The API of the rig's hub."""
    settings = {**rig.users.settings, "db": rig.db, "users": rig.users, "cookie_secret": b"x" * 32}
    handlers = [(f"/hub{path}", handler) for path, handler in watching.handlers]
    server = HTTPServer(web.Application(handlers, **settings))
    socket, port = bind_unused_port()
    server.add_socket(socket)
    yield f"http://127.0.0.1:{port}/hub/api"
    server.stop()


@pytest.fixture
def service(rig: Rig, address: str) -> Hub:
    """The service, with the role that it has as shipped."""
    return Hub(address, token(rig, "binder", ["servers", "list:users"]))


def token(rig: Rig, name: str, scopes: list[str]) -> str:
    """Of a service with these scopes."""
    roles.create_role(rig.db, {"name": name, "scopes": scopes, "services": [name]})
    known = orm.Service(name=name)
    rig.db.add(known)
    rig.db.commit()
    roles.grant_role(rig.db, known, name)
    return str(known.new_api_token())


async def array(rig: Rig, nodes: int, user: str = "alice") -> str:
    """A crew of hers."""
    options = (f"--array=0-{nodes - 1}",)
    one = Submission("crew", f"/home/{user}/batch", (), options, "", {"ticket": "t"})
    return (await rig.cluster.submit(user, one)).job


async def test_the_elements_of_an_array_are_told_as_they_are_now(rig: Rig, service: Hub) -> None:
    job = await array(rig, 3)
    mine = [Owned(f"{job}_{task}", "alice") for task in range(3)]
    rig.slurm.run(f"{job}_0", node="c1")
    rig.slurm.end(f"{job}_1", "TIMEOUT")
    seen = await service.jobs(mine, fresh=True)
    assert {one: told.state for one, told in seen.jobs.items()} == {
        f"{job}_0": "RUNNING",
        f"{job}_1": "TIMEOUT",
        f"{job}_2": "PENDING",
    }
    assert seen.jobs[f"{job}_0"].node == "c1"
    assert seen.words[f"{job}_1"] == "The job reached its time limit."
    assert "Jobs of higher priority are ahead" in seen.words[f"{job}_2"]
    assert not seen.silent
    assert seen.age < 60
    # Without `fresh`, it is what is known, and Slurm is not asked for it.
    before = rig.slurm.asked["uids"]
    assert (await service.jobs(mine)).jobs == seen.jobs
    assert rig.slurm.asked["uids"] == before


async def test_nobody_hears_of_anothers_job_as_her_own(rig: Rig, service: Hub) -> None:
    job = await array(rig, 1)
    seen = await service.jobs([Owned(f"{job}_0", "bob")], fresh=True)
    assert seen.jobs == {}


async def test_slurm_that_is_silent_is_told_with_what_was_known(rig: Rig, service: Hub) -> None:
    job = await array(rig, 1)
    mine = [Owned(f"{job}_0", "alice")]
    await service.jobs(mine, fresh=True)
    rig.slurm.down = True
    rig.clock.advance(300)
    seen = await service.jobs(mine)
    assert seen.silent
    assert seen.age >= 300
    assert seen.words[f"{job}_0"].startswith("Slurm has not answered for about 5 minutes.")
    assert seen.jobs[f"{job}_0"].state == "PENDING"


async def test_a_job_is_watched_as_long_as_somebody_asks(rig: Rig) -> None:
    job = await array(rig, 1)
    one, watcher = Owned(f"{job}_0", "alice"), rig.facility.watcher
    leases = Leases(watcher, 0.2)
    loop = asyncio.get_running_loop()
    for _ in range(4):
        leases.renew([one])
        renewed = loop.time()
        await asyncio.sleep(0.1)
        # A busy machine may have slept for longer than a lease lasts.
        assert watcher.watched == 1 or loop.time() >= renewed + 0.2
    await eventually(lambda: not watcher.watched)


@pytest.mark.parametrize("who", ["a user", "an admin", "another service"])
async def test_only_the_service_may_ask(rig: Rig, address: str, who: str) -> None:
    if who == "another service":
        held = token(rig, "culler", ["list:users", "read:servers"])
    else:
        user = rig.user("alice").orm_user
        user.admin = who == "an admin"
        roles.assign_default_roles(rig.db, user)
        held = user.new_api_token()
    with pytest.raises(UserError) as caught:
        await Hub(address, held).jobs([Owned("1", "alice")])
    assert caught.value.status == 403
    assert rig.facility.watcher.watched == 0


@pytest.mark.parametrize("job", ["1;rm", "1_", "_4", "1_[2-3]", "1 2", ""])
async def test_what_is_no_job_is_refused(rig: Rig, service: Hub, job: Any) -> None:
    with pytest.raises(UserError) as caught:
        await service.jobs([Owned(job, "alice")])
    assert caught.value.status == 400
    assert rig.facility.watcher.watched == 0
