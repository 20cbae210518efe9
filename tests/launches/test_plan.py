"""What a profile and the site say is in what is submitted, and in what the job is given."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from traitlets import TraitError

from hpcbinderhub.errors import UserError
from hpcbinderhub.images.engines import engine_named
from hpcbinderhub.launches.grant import grant_of
from hpcbinderhub.launches.options import LaunchOptions
from hpcbinderhub.launches.plan import Plan, check_hub_address
from hpcbinderhub.launches.submission import submission_of
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import cluster_of
from hpcbinderhub.slurm.members import Member
from hpcbinderhub.workspaces import Account, places

ALICE = Account("alice", 2001, "/home/alice")
OPTIONS = {
    "launch": "0abc1234", "profile": "p", "artefact": "a" * 64, "repo_url": "https://x.org/r",
    "ref": "main", "commit": "b" * 40, "spec": "git/https%3A%2F%2Fx.org%2Fr/main",
    "workspace": "r-123456",
}  # fmt: skip


def site(profile: dict[str, Any], **traits: Any) -> Site:
    place = {} if profile.get("spawner") else {"partition": "batch"}
    known = {"name": "p", "title": "P", **place, **profile}
    return Site(public_url="https://hub.example.org/", profiles=[known], **traits)


def plan(of: Site) -> Plan:
    logs = of.log_root_of(of.profiles[0])
    where = places(of.workspace_root, ALICE, "0abc1234", "r-123456", logs)
    options = LaunchOptions.model_validate(OPTIONS)
    return Plan(options, of.profiles[0], Member(ALICE, ()), where)


def script(of: Site) -> str:
    engine = engine_named("charliecloud", of, cluster_of(of))
    return submission_of(plan(of), of, engine, "/artefacts/x.squashfs", "https://claim").script


def granted(of: Site, env: dict[str, str]) -> dict[str, Any]:
    return grant_of(plan(of), of, env=env, args=[], ready_url="https://r", tls={}, session={})


def test_proxies_are_for_the_node_and_for_the_server() -> None:
    proxies = {"https_proxy": "http://proxy:3128", "no_proxy": "hub.example.org"}
    ours = site({"environment": {"https_proxy": "http://gpu-proxy:3128"}}, job_environment=proxies)
    lines = script(ours).splitlines()
    assert "export https_proxy=http://gpu-proxy:3128" in lines
    assert "export no_proxy=hub.example.org" in lines
    env = granted(ours, {"JUPYTERHUB_USER": "alice"})["env"]
    assert env["https_proxy"] == "http://gpu-proxy:3128"
    assert env["JUPYTERHUB_USER"] == "alice"


def test_a_server_is_told_where_to_ask_for_workers_if_there_are_any() -> None:
    name = "HPCBINDER_CREWS_URL"
    assert name not in granted(site({}), {})["env"]
    where = "/services/binder/api/crews/0abc1234"
    assert granted(site({"worker_nodes": 2}), {})["env"][name] == f"https://hub.example.org{where}"
    inside = {"worker_nodes": 2, "hub_address": "https://10.1.0.1:8443/"}
    assert granted(site(inside), {})["env"][name] == f"https://10.1.0.1:8443{where}"


def test_a_server_is_told_of_the_folders_that_every_container_sees() -> None:
    name = "HPCBINDER_DATA_ROOTS"
    assert name not in granted(site({}), {})["env"]
    ours = site({}, data_roots=["/scratch", "/projects"])
    assert granted(ours, {})["env"][name] == "/scratch:/projects"


def test_no_variable_of_the_sites_takes_the_place_of_the_hubs() -> None:
    ours = site({}, job_environment={"JUPYTERHUB_API_TOKEN": "x"})
    env = granted(ours, {"JUPYTERHUB_API_TOKEN": "secret"})["env"]
    assert env["JUPYTERHUB_API_TOKEN"] == "secret"


@pytest.mark.parametrize(
    ("profile", "address"),
    [
        ({}, "https://hub.example.org/services/"),
        ({"hub_address": "https://10.1.0.1:8443/"}, "https://10.1.0.1:8443/services/"),
    ],
)
def test_a_job_gets_its_content_where_its_nodes_reach_the_hub(
    profile: dict[str, Any], address: str
) -> None:
    ours = site(profile)
    given = granted(ours, {})
    assert given["content"]["url"].startswith(address)
    assert given["env"]["BINDER_LAUNCH_HOST"] == "https://hub.example.org/services/binder/"


@pytest.mark.parametrize(
    ("hosts", "profile", "is_found"),
    [
        (["login1"], {}, False),
        (["localhost:2222", "login1"], {}, False),
        (["login1"], {"hub_address": "https://10.1.0.1:8443/"}, True),
        (["localhost:2222", "[::1]:22"], {}, True),
        ([], {}, True),
    ],
)
def test_no_ticket_is_sent_to_a_nodes_own_loopback(
    hosts: list[str], profile: dict[str, Any], is_found: bool
) -> None:
    known = {"name": "p", "title": "P", "partition": "batch", **profile}
    ours = Site(login_hosts=hosts, profiles=[known])
    with nullcontext() if is_found else pytest.raises(UserError, match="Jobs cannot find this hub"):
        check_hub_address(ours.profiles[0], ours)


def test_temporary_files_are_on_the_nodes_disk_and_the_container_sees_it() -> None:
    ours = site({}, node_tmp="/local/{user}")
    assert "hpcbinder /local/alice bash -c" in script(ours)
    assert "--bind=/local:/local" in script(ours)
    assert "/local" not in script(site({}))


def test_room_is_asked_for_where_the_launch_writes_and_where_the_site_says() -> None:
    ours = site({}, room_roots=["{home}", "/scratch/{user}"], room_mb=80)
    engine = engine_named("charliecloud", ours, cluster_of(ours))
    submission = submission_of(plan(ours), ours, engine, "x", "https://claim")
    assert submission.roots == ("/home/alice/hpcbinder", "/home/alice", "/scratch/alice")
    assert submission.free_mb == 80


@pytest.mark.parametrize(
    "traits", [{"node_tmp": "local"}, {"node_tmp": "/{user}"}, {"job_environment": {"a b": "c"}}]
)
def test_what_cannot_be_is_refused_when_the_site_is_read(traits: dict[str, Any]) -> None:
    with pytest.raises(TraitError):
        site({}, **traits)


def test_the_logs_of_jobs_go_where_the_site_says_and_need_room_there() -> None:
    folder = "/logs/alice/0abc1234"
    ours = site({}, log_root="/logs/{user}")
    engine = engine_named("charliecloud", ours, cluster_of(ours))
    made = submission_of(plan(ours), ours, engine, "/artefacts/x.squashfs", "https://claim")
    assert made.log == folder
    assert made.roots == ("/home/alice/hpcbinder", folder)
    # Slurm writes nothing for a server on a login node.
    login = site({"spawner": "login"}, log_root="/logs/{user}")
    assert plan(login).where.log_apart == ""


@pytest.mark.parametrize("folder", ["/logs", "logs/{user}", "/logs/{usr}"])
def test_one_folder_for_everybody_s_logs_is_refused_when_the_site_is_read(folder: str) -> None:
    with pytest.raises(TraitError, match="a folder of her own"):
        Site(log_root=folder)
