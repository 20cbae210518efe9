"""The calls of jobs, and of whoever pretends to be one."""

from __future__ import annotations

import asyncio

import pytest
from hpcbinderhub.spawners.turns import CALLS_WAITING

from hpcbinderhub.slurm.jobs import Job

from .calls import Calls
from .rig import Rig, eventually

SOMEBODY = "0f" * 16


async def running(rig: Rig, user: str = "alice") -> str:
    """A job whose start command is about to claim."""
    before = set(rig.slurm.jobs)
    rig.start(user)
    await rig.submitted(len(before) + 1)
    (job,) = set(rig.slurm.jobs) - before
    rig.slurm.run(job)
    await rig.looked()
    return job


async def test_a_ticket_is_good_for_who_claimed_first(rig: Rig, calls: Calls) -> None:
    job = await running(rig)
    first = await calls.claim(job)
    assert first.status == 200
    # Its server does not listen yet; a copy of the ticket and the job's id are no secrets to all.
    second = await calls.claim(job, claimant=SOMEBODY)
    assert second.status == 409
    assert second.body["message"] == "This launch was claimed already."
    # An answer that was lost is given again.
    again = await calls.claim(job)
    assert (again.status, again.token) == (200, first.token)


async def test_who_claimed_is_known_after_a_restart_of_the_hub(rig: Rig, calls: Calls) -> None:
    rig.start("alice", launch="launch000001")
    (job,) = await rig.submitted()
    rig.slurm.run(job)
    await rig.looked()
    first = await calls.claim(job)
    await rig.restart()
    calls.hub_comes()
    rig.start("alice", launch="launch000001")
    await rig.submitted()
    assert (await calls.claim(job, claimant=SOMEBODY)).status == 409
    assert (await calls.claim(job)).token == first.token


async def test_of_two_that_claim_at_once_one_is_answered(rig: Rig, calls: Calls) -> None:
    job = await running(rig)
    both = await asyncio.gather(calls.claim(job), calls.claim(job, claimant=SOMEBODY))
    assert sorted(answer.status for answer in both) == [200, 409]


async def test_a_loop_of_claims_is_told_to_wait(
    rig: Rig, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await running(rig)
    answers, certain = asyncio.Event(), rig.cluster.certain

    async def slowly(*asked: str) -> Job | None:
        await answers.wait()
        return await certain(*asked)

    monkeypatch.setattr(rig.cluster, "certain", slowly)
    claims = [asyncio.create_task(calls.claim(job)) for _ in range(5 * CALLS_WAITING)]
    await eventually(lambda: sum(claim.done() for claim in claims) == 4 * CALLS_WAITING)
    assert {claim.result().status for claim in claims if claim.done()} == {503}
    answers.set()
    told = [answer.status for answer in await asyncio.gather(*claims)]
    assert told.count(200) == CALLS_WAITING


async def test_tools_that_do_not_say_who_they_are_get_nothing(rig: Rig, calls: Calls) -> None:
    job = await running(rig)
    for other in ({"claimant": ""}, {"claimant": "me"}, {"tls": False}):
        assert (await calls.claim(job, **other)).status == 400, other
    assert rig.spawner().get_state()["job"]["claimed_by"] == ""


async def test_a_job_whose_server_is_over_is_told_so_for_good(rig: Rig, calls: Calls) -> None:
    job = await rig.ready("alice")
    token = rig.spawner().handed_out_token
    await rig.user("alice").stop("lab")
    for _ in range(2):
        assert (await calls.claim(job)).status == 410
        for what, body in (
            ("ready", {"port": 8888}),
            ("session/ending", {"why": "idle"}),
            ("session/extension", {"minutes": 5}),
        ):
            answer = await calls.post(f"alice/lab/{what}", body, token)
            assert (answer.status, answer.body["message"]) == (410, "This launch is over."), what
        # The next hub knows no more of it.
        await rig.restart()
        calls.hub_comes()


async def test_a_notebook_that_is_over_before_its_server_was_seen_says_it_again(
    rig: Rig, calls: Calls
) -> None:
    start = rig.start("alice", run={"notebook": "index.ipynb", "parameters": {"depth": 3}})
    (job,) = await rig.submitted()
    rig.slurm.run(job)
    await rig.looked()
    claimed = await calls.claim(job)
    assert claimed.body["run"] == {
        "notebook": "index.ipynb",
        "parameters": {"depth": 3},
        "output": None,
    }
    over = {"why": "run", "exit_code": 1, "words": "A cell of index.ipynb failed: KeyError: 'x'."}
    assert (await calls.post("alice/lab/session/ending", over, "x")).status == 403
    # As JupyterHub's own handler says while it waits for the start.
    rig.chooser()._spawn_pending = True
    assert (await calls.post("alice/lab/session/ending", over, claimed.token)).status == 503
    await rig.answer(job)
    await start
    rig.chooser()._spawn_pending = False
    assert (await calls.post("alice/lab/session/ending", over, claimed.token)).status == 200
    rig.slurm.end(job, "COMPLETED")
    await rig.looked()
    assert await rig.chooser().poll() is not None
    ended = rig.spawner().ended
    assert ended is not None
    assert (ended.words, ended.exit_code) == (over["words"], 1)


@pytest.mark.parametrize("where", ["alice/other", "alice", "nobody/lab"])
async def test_a_server_that_never_was_is_no_more_than_one_that_is_over(
    rig: Rig, calls: Calls, where: str
) -> None:
    job = await running(rig)
    answer = await calls.claim(job, where=where)
    assert (answer.status, answer.body["message"]) == (410, "This launch is over.")


async def test_a_hub_that_has_just_started_asks_to_be_asked_again(rig: Rig, calls: Calls) -> None:
    options = {"launch": "launch000001"}
    rig.start("alice", **options)
    (job,) = await rig.submitted()
    rig.slurm.run(job)
    await rig.restart()
    calls.hub_comes()
    # The service has not asked for the start again.
    assert (await calls.claim(job)).status == 503
    rig.start("alice", **options)
    await rig.submitted()
    assert (await calls.claim(job)).status == 200


async def test_a_token_of_an_earlier_launch_is_not_waited_with(rig: Rig, calls: Calls) -> None:
    await rig.ready("alice")
    old = rig.spawner().handed_out_token
    await rig.user("alice").stop("lab")
    await running(rig)
    # Nobody has claimed this one, so nobody has its token.
    assert (await calls.post("alice/lab/ready", {"port": 8888}, old)).status == 403
