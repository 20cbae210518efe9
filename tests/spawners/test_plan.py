"""What a profile and the site say is in what is submitted, and in what the job is given."""

from __future__ import annotations

from typing import Any

import pytest
from hpcbinderhub.spawners.plan import Plan, grant_of, submission_of
from traitlets import TraitError

from hpcbinderhub.images.engines import engine_named
from hpcbinderhub.launches.options import LaunchOptions
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Member, cluster_of
from hpcbinderhub.workspaces import Account, places

ALICE = Account("alice", 2001, "/home/alice")
OPTIONS = {
    "launch": "0abc1234", "profile": "p", "artefact": "a" * 64, "repo_url": "https://x.org/r",
    "ref": "main", "commit": "b" * 40, "spec": "git/https%3A%2F%2Fx.org%2Fr/main",
    "workspace": "r-123456",
}  # fmt: skip


def site(profile: dict[str, Any], **traits: Any) -> Site:
    known = {"name": "p", "title": "P", "partition": "batch", **profile}
    return Site(public_url="https://hub.example.org/", profiles=[known], **traits)


def plan(of: Site) -> Plan:
    where = places(of.workspace_root, ALICE, "0abc1234", "r-123456")
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
