"""`hpcbinderhub check` on the whole site: nothing fails that works, and what is broken is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cluster.rig import Rig

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

CONFIG = "/etc/jupyterhub/jupyterhub_config.d"
Row = dict[str, str]


def check(rig: Rig, *words: str, user: str = "hub") -> list[Row]:
    """What an admin reads, as the hub's account."""
    command = ["/opt/hpcbinderhub/bin/hpcbinderhub", "check", "--json", "--config", CONFIG, *words]
    done = rig.cluster.run("hub", *command, user=user, check=False, timeout=300)
    rows: list[Row] = json.loads(done.stdout)["findings"]
    assert all(row["advice"] for row in rows if row["outcome"] == "failed")
    return rows


def failures(rows: list[Row]) -> list[tuple[str, str]]:
    """What does not work, by matter and subject."""
    return [(row["matter"], row["what"]) for row in rows if row["outcome"] == "failed"]


@contextmanager
def configured(rig: Rig, lines: str) -> Iterator[None]:
    """One more file of configuration, which only `check` reads: nothing is restarted."""
    path = f"{CONFIG}/99-broken.py"
    rig.cluster.run("hub", "tee", path, input=f"c = get_config()\n{lines}\n")
    try:
        yield
    finally:
        rig.cluster.run("hub", "rm", path)


def test_a_site_that_works(rig: Rig) -> None:
    rows = check(rig, "--user", "alice")
    # The demo has one host name, and warns of what a container cannot have.
    assert failures(rows) == [("configuration", "c.JupyterHub.subdomain_host")]
    said = {row["sentence"] for row in rows if row["matter"] == "jobs"}
    assert any(sentence.startswith("It reaches the hub at https://hub:8443.") for sentence in said)
    assert any(sentence.startswith("hpcwatch sees it: ") for sentence in said)
    assert "It was cancelled, and ended." in said
    assert rig.jobs("alice") == []
    left = rig.cluster.run("login", "ls", "/home/alice/hpcbinder/launches", check=False).stdout
    assert "check" not in left


def test_a_watcher_without_the_right_to_see(rig: Rig) -> None:
    modify = ("sacctmgr", "-i", "modify", "user", "hpcwatch", "set")
    rig.slurm(*modify, "AdminLevel=None")
    try:
        rows = check(rig, "--only", "jobs", "--user", "alice", "--wait", "30")
    finally:
        rig.slurm(*modify, "AdminLevel=Operator")
    blind = [row for row in rows if "hpcwatch does not see job" in row["sentence"]]
    assert blind
    assert "set AdminLevel=Operator" in blind[0]["advice"]


def test_a_profile_without_its_partition(rig: Rig) -> None:
    profile = {"name": "x", "title": "X", "partition": "nowhere"}
    with configured(rig, f"c.Site.profiles = [{profile!r}]"):
        rows = check(rig, "--only", "profiles,jobs", "--user", "alice")
    assert ("profiles", "profile “x”") in failures(rows)
    assert ("jobs", "x, charliecloud") in failures(rows)
    assert any("gpu, interactive, regular" in row["advice"] for row in rows)


def test_an_agent_of_another_version(rig: Rig) -> None:
    path = "/usr/libexec/hpcbinderhub/agent"
    kept = rig.cluster.run("login", "cat", path).stdout
    other = kept.replace("main()", 'import agent.about as a; a.digest = lambda: "other"; main()')
    rig.cluster.run("login", "tee", path, input=other)
    try:
        rows = check(rig, "--only", "transport")
    finally:
        rig.cluster.run("login", "tee", path, input=kept)
    assert failures(rows) == [("transport", "login: agent as hpcwatch")]
    assert any(row["sentence"] == "It is another version than the hub's." for row in rows)


def test_a_store_that_the_hub_cannot_read(rig: Rig) -> None:
    rig.cluster.run("hub", "chmod", "0700", "/artefacts")
    try:
        rows = check(rig, "--only", "storage")
    finally:
        rig.cluster.run("hub", "chmod", "0755", "/artefacts")
    assert failures(rows) == [("storage", "c.Site.artefacts")]


def test_another_authority(rig: Rig) -> None:
    with configured(rig, "c.Site.ca_file = '/etc/ssl/certs/ca-certificates.crt'"):
        rows = check(rig, "--only", "address")
    assert failures(rows) == [("address", "certificate")]
    assert any(row["advice"].startswith("Set c.Site.ca_file to the authority") for row in rows)


def test_a_login_node_that_is_not_the_one_that_is_known(rig: Rig) -> None:
    rig.cluster.run("hub", "cp", "/trust/known_hosts", "/tmp/known_hosts")
    rig.cluster.run("hub", "sed", "-i", "s/^login/elsewhere/", "/tmp/known_hosts")
    with configured(rig, "c.Site.known_hosts = '/tmp/known_hosts'"):
        rows = check(rig, "--only", "transport,slurm")
    assert failures(rows) == [("transport", "login: host key")]
    assert [row["outcome"] for row in rows if row["matter"] == "slurm"] == ["skipped"]


def test_the_builders_account_checks_its_own(rig: Rig) -> None:
    rows = check(
        rig,
        "--only",
        "builder,storage",
        "--hpcbinder",
        "/opt/hpcbinderhub/src/hpcbinder",
        user="builder",
    )
    assert failures(rows) == []
    assert {row["matter"] for row in rows if row["outcome"] == "ok"} == {"builder"}
