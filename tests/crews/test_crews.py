"""Crews from the first question to the last node, as transcripts: what a notebook asks, what Slurm
does, and what is said of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from crews.rig import SCHEDULER, Rig

from hpcbinderhub.crews.records import NodeState
from hpcbinderhub.crews.requests import CrewRequest
from hpcbinderhub.crews.words import words_of
from hpcbinderhub.errors import UserError
from hpcbinderhub.launches.records import Launch
from hpcbinderhub.slurm.framing import AgentError

QOS = "QOSMaxSubmitJobPerUserLimit: Job violates accounting/QOS policy"


async def test_workers_are_asked_for_run_and_are_closed(rig: Rig, launch: Launch) -> None:
    crew = await rig.ask(launch, workers=10)
    assert (crew.wanted_nodes, crew.per_node, crew.memory_mb) == (3, 4, 1024)
    crew = await rig.until(launch, crew, pending=3)
    (job,) = {batch.job for batch in crew.batches}
    assert "--array=0-2" in rig.slurm.options(job)
    assert crew.submissions == rig.slurm.asked["submit"] == 1

    for task in (0, 1):
        rig.slurm.run(f"{job}_{task}", node=f"c{task}")
    crew = await rig.until(launch, crew, running=2, pending=1)
    assert [node.node for node in crew.nodes] == ["c0", "c1", ""]
    assert words_of(crew)[0] == "2 of 3 nodes run; 1 is waiting in the queue."

    grant = await rig.claim(crew, f"{job}_1")
    assert (grant["scheduler"], grant["node"], grant["workers"]) == (SCHEDULER, f"{job}_1", 4)
    assert grant["tls"] == (await rig.crews.keys(launch, crew.id)).model_dump()
    assert 3500 < grant["left"] <= 3600

    closing = await rig.crews.close_crew(crew, "closed")
    assert (closing.state, closing.keys) == ("closing", "")
    closed = await rig.over(launch, crew)
    assert closed.state == "closed"
    assert rig.slurm.cancels == [[job]]
    assert not any(node.lost for node in closed.nodes)
    said = [event.message for event in await rig.events.since(launch.stream, 0)]
    assert said == [
        "Asked for 3 nodes for 10 workers under “Regular”, as “workers”.",
        "“workers”: These workers were closed.",
    ]


async def test_more_are_one_more_submission_and_fewer_one_cancel(rig: Rig, launch: Launch) -> None:
    crew = await rig.until(launch, await rig.ask(launch, nodes=2), pending=2)
    crew = await rig.change(launch, crew, nodes=5)
    crew = await rig.until(launch, crew, pending=5)
    assert crew.submissions == 2
    first, second = (batch.job for batch in crew.batches)
    rig.slurm.run(f"{first}_0")
    crew = await rig.until(launch, crew, running=1, pending=4)

    crew = await rig.change(launch, crew, nodes=2)
    assert (crew.wanted_nodes, crew.wanted_workers) == (2, 8)
    crew = await rig.until(launch, crew, running=1, pending=1)
    assert rig.slurm.cancels == [[second]]
    assert rig.slurm.jobs == [f"{first}_0", f"{first}_1"]

    crew = await rig.change(launch, crew, drop=[f"{first}_0"])
    await rig.until(launch, crew, pending=1)
    assert rig.slurm.cancels == [[second], [f"{first}_0"]]


async def test_what_slurm_refuses_is_said_in_its_own_words(rig: Rig, launch: Launch) -> None:
    rig.slurm.refusal = AgentError("slurm", QOS)
    crew = await rig.over(launch, await rig.ask(launch, nodes=2))
    assert crew.state == "failed"
    assert words_of(crew) == (
        "Slurm refused the job.",
        "You have as many jobs as you may: ask for fewer, or wait for one to end.",
        QOS,
    )
    *_, event = await rig.events.since(launch.stream, 0)
    assert event.message == (
        "“workers”: Slurm refused the job. You have as many jobs as you may: ask for fewer, or "
        f"wait for one to end. {QOS}"
    )
    # Its name is free again; and what is refused later leaves what there is.
    rig.slurm.refusal = None
    crew = await rig.until(launch, await rig.ask(launch, nodes=1), pending=1)
    rig.slurm.refusal = AgentError("slurm", QOS)
    crew = await rig.change(launch, crew, nodes=3)
    crew = await rig.until(launch, crew, pending=1)
    assert (crew.state, crew.wanted_nodes) == ("open", 1)
    assert words_of(crew)[0].endswith("1 is waiting in the queue. Slurm refused the job.")


async def test_a_cluster_that_is_away_is_waited_for(rig: Rig, launch: Launch) -> None:
    await rig.cluster.member("alice")
    rig.slurm.down = True
    crew = await rig.ask(launch, nodes=1)
    over = asyncio.Event()
    while not (crew := await rig.crews.news(launch, crew.id, crew.version, over)).nodes[0].words:
        pass
    assert crew.nodes[0].words.startswith("The cluster does not answer; trying again.")
    rig.slurm.down = False
    await rig.until(launch, crew, pending=1)
    assert rig.slurm.jobs == ["100_0"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"nodes": 6}, "6 nodes are more than this profile gives to workers: 5."),
        ({"nodes": 1, "cpus": 9}, "9"),
        ({"nodes": 1, "minutes": 121}, "121"),
        ({"nodes": 1, "threads": 5}, "does not fit"),
        ({"nodes": 1, "profile": "small"}, "gives no nodes to workers"),
        ({"nodes": 1, "profile": "at-once"}, "gives no nodes to workers"),
        ({"nodes": 1, "profile": "theirs"}, "not for this repository"),
        ({"nodes": 1, "profile": "nothing"}, "no profile “nothing” for you"),
        ({"nodes": 1, "account": "bobs"}, "may not charge"),
        ({"nodes": 1, "qos": "high"}, "high"),
    ],
)
async def test_nobody_gets_more_than_a_profile_gives(
    rig: Rig, launch: Launch, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        await rig.ask(launch, **asked)
    assert await rig.crews.of_launch(launch) == []
    assert rig.slurm.asked["submit"] == 0


async def test_a_profile_of_others_is_not_there(rig: Rig, launch: Launch) -> None:
    request = CrewRequest(name="workers", nodes=1, profile="gpu")
    with pytest.raises(UserError, match="no profile “gpu” for you"):
        await rig.crews.ask(launch, [], request)
    crew = await rig.ask(launch, workers=3, profile="gpu")
    assert (crew.per_node, crew.gpus, crew.form) == (2, 2, "one_job")
    names = [profile.name for profile in rig.crews.admission.profiles(launch, ["gpu"])]
    assert names == ["regular", "gpu"]


async def test_workers_belong_to_a_running_server(rig: Rig, launch: Launch) -> None:
    for model in (
        {"pending": "stop"},
        {"user_options": {"launch": "another"}},
        {"ready": False},
    ):
        rig.hub.run(launch, **model)
        with pytest.raises(UserError, match="belong to a running server"):
            await rig.ask(launch, nodes=1)
    rig.hub.servers.clear()
    with pytest.raises(UserError, match="belong to a running server"):
        await rig.ask(launch, nodes=1)
    rig.hub.run(launch)
    crew = await rig.until(launch, await rig.ask(launch, nodes=1), pending=1)
    rig.hub.servers.clear()
    with pytest.raises(UserError, match=r"belong to a running server|are over"):
        await rig.change(launch, crew, nodes=2)


async def test_a_server_that_is_gone_takes_its_workers_with_it(rig: Rig, launch: Launch) -> None:
    crew = await rig.until(launch, await rig.ask(launch, nodes=2, keep=True), pending=2)
    for trouble in (503, 403):
        rig.hub.away = trouble
        await asyncio.sleep(0.2)
        assert (await rig.crews.one(launch, crew.id)).state == "open"
    rig.hub.servers.clear()
    rig.hub.away = 0
    crew = await rig.over(launch, crew)
    assert (crew.state, crew.why) == ("closed", "server")
    assert rig.slurm.jobs == []


async def test_a_server_that_was_stopped_here_takes_them_at_once(rig: Rig, launch: Launch) -> None:
    crew = await rig.until(launch, await rig.ask(launch, nodes=2), pending=2)
    await rig.crews.server_stopped("alice", "another")
    assert (await rig.crews.one(launch, crew.id)).state == "open"
    await rig.crews.server_stopped("alice", launch.server)
    assert (await rig.over(launch, crew)).why == "server"


async def test_a_service_that_was_restarted_goes_on(rig: Rig, launch: Launch) -> None:
    # One crew is submitted while the service ends, another was not begun, a third is over.
    rig.slurm.sbatch.clear()
    begun = await rig.ask(launch, nodes=1)
    await rig.submitting()
    await rig.crews.close()
    rig.slurm.sbatch.set()
    later = await rig.ask(launch, name="later", nodes=1)
    await rig.restart()
    begun = await rig.until(launch, begun, pending=1)
    later = await rig.until(launch, later, pending=1)
    assert sorted(rig.slurm.jobs) == sorted(f"{c.batches[0].job}_0" for c in (begun, later))

    await rig.crews.close()
    await rig.crews.close_crew(begun, "closed")
    await rig.crews.close()
    await rig.restart()
    assert (await rig.over(launch, begun)).state == "closed"
    assert rig.slurm.jobs == [f"{later.batches[0].job}_0"]


async def test_what_is_closed_while_it_is_submitted_is_found_and_cancelled(
    rig: Rig, launch: Launch
) -> None:
    rig.slurm.sbatch.clear()
    crew = await rig.ask(launch, nodes=1)
    await rig.submitting()
    # The answer never comes: the service ends, and its successor knows only that it was begun.
    await rig.crews.close()
    await rig.crews.close_crew(crew, "kernel")
    await rig.crews.close()
    rig.slurm.sbatch.set()
    await rig.restart()
    crew = await rig.over(launch, crew)
    assert (crew.state, crew.why) == ("closed", "kernel")
    assert rig.slurm.jobs == []


async def test_lost_nodes_come_back_where_that_is_wanted(rig: Rig, launch: Launch) -> None:
    crew = await rig.until(launch, await rig.ask(launch, nodes=2, replace=True), pending=2)
    for task in (0, 1):
        rig.slurm.run(f"100_{task}")
    crew = await rig.until(launch, crew, running=2)
    rig.slurm.end("100_1", "NODE_FAIL")
    crew = await rig.until(launch, crew, running=1, pending=1)
    assert [(node.lost, node.words) for node in crew.nodes if node.lost] == [
        (True, "The compute node failed.")
    ]
    assert (crew.wanted_nodes, crew.submissions) == (2, 2)
    # What is lost at once is not asked for again at once.
    last = crew.batches[-1].job
    rig.slurm.end(f"{last}_0", "FAILED", "1:0")
    crew = await rig.until(launch, crew, running=1)
    await asyncio.sleep(0.2)
    assert (await rig.crews.one(launch, crew.id)).submissions == 2
    rig.now += 60
    await rig.until(launch, crew, running=1, pending=1)


async def test_a_node_whose_time_is_nearly_up_is_replaced_before(rig: Rig, launch: Launch) -> None:
    crew = await rig.until(launch, await rig.ask(launch, nodes=1, replace=True), pending=1)
    rig.slurm.run("100_0", minutes=10)
    crew = await rig.until(launch, crew, running=1)
    rig.now += 7 * 60
    crew = await rig.until(launch, crew, running=1, pending=1)
    assert (crew.wanted_nodes, crew.submissions) == (1, 2)
    await asyncio.sleep(0.2)
    assert (await rig.crews.one(launch, crew.id)).submissions == 2


async def test_one_look_is_for_all_crews_and_none_is_for_none(rig: Rig, launch: Launch) -> None:
    await asyncio.sleep(0.1)
    assert rig.hub.asked == []
    one = await rig.until(launch, await rig.ask(launch, nodes=2), pending=2)
    two = await rig.until(launch, await rig.ask(launch, name="two", nodes=2), pending=2)
    for crew in (one, two):
        await rig.crews.close_crew(crew, "closed")
        await rig.over(launch, crew)
    await asyncio.sleep(0.1)
    asked = len(rig.hub.asked)
    await asyncio.sleep(0.2)
    assert len(rig.hub.asked) == asked > 0


async def test_silence_is_said_and_ends_nothing(rig: Rig, launch: Launch) -> None:
    crew = await rig.until(launch, await rig.ask(launch, nodes=1), pending=1)
    rig.hub.silent, rig.hub.age = True, 120.0
    crew = await rig.until(launch, crew, unknown=1)
    assert crew.nodes[0].words.startswith("Slurm has not answered for about 2 minutes.")
    rig.hub.silent = False
    await rig.until(launch, crew, pending=1)


async def test_news_come_when_there_are_any(rig: Rig, launch: Launch) -> None:
    crew = await rig.ask(launch, nodes=0)
    over = asyncio.Event()
    waiting = asyncio.create_task(rig.crews.news(launch, crew.id, crew.version, over))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await rig.change(launch, crew, scheduler="tls://c8:1")
    assert (await waiting).scheduler == "tls://c8:1"
    over.set()
    assert await rig.crews.news(launch, crew.id, 1000, over)


async def test_the_first_news_of_a_crew_is_that_slurm_has_it(rig: Rig, launch: Launch) -> None:
    crew = await rig.ask(launch, nodes=2)
    news = await rig.crews.news(launch, crew.id, crew.version, asyncio.Event())
    assert {one.state for one in news.nodes} == {NodeState.PENDING}


async def test_workers_of_another_launch_are_not_there(rig: Rig, launch: Launch) -> None:
    crew = await rig.ask(launch, nodes=0)
    other = await rig.launch(server="other")
    with pytest.raises(UserError) as caught:
        await rig.crews.one(other, crew.id)
    assert caught.value.status == 404
