"""Who may do what, read from the hub itself."""

from __future__ import annotations

import httpx
import pytest
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"


def as_token(rig: Rig, token: str, method: str, path: str) -> httpx.Response:
    return httpx.request(
        method, f"{rig.url}{path}", headers={"Authorization": f"token {token}"}, timeout=30
    )


def test_an_ordinary_user_may_open_the_service_build_and_launch(alice: Person) -> None:
    scopes = set(alice.hub("GET", "user").json()["scopes"])
    assert {
        "access:services!service=binder",
        "custom:hpcbinderhub:build",
        "custom:hpcbinderhub:launch",
    } <= scopes
    assert not {scope for scope in scopes if scope.startswith("admin")}
    assert "custom:hpcbinderhub:admin" not in scopes


async def test_a_servers_own_token_may_fetch_its_content_ask_for_workers_and_nothing_else(
    alice: Person, rig: Rig
) -> None:
    launch = alice.launch(QUICKSTART)
    last = alice.follow(launch)
    token = (
        await Lab(alice, last["url"]).run("import os; print(os.environ['JUPYTERHUB_API_TOKEN'])")
    ).strip()
    (server,) = alice.servers()
    scopes = set(as_token(rig, token, "GET", "/hub/api/user").json()["scopes"])
    mine = {
        f"custom:hpcbinderhub:content!server=alice/{server}",
        f"custom:hpcbinderhub:crews!server=alice/{server}",
        f"access:servers!server=alice/{server}",
        "users:activity!user=alice",
    }
    assert mine <= scopes
    # What is left is what identifies the token's owner.
    assert all(scope.startswith("read:users:") for scope in scopes - mine), scopes

    content = f"/services/binder/api/content/{launch}"
    assert as_token(rig, token, "GET", content).status_code == 200
    other = alice.launch("http://git/postbuild.git")
    for method, path in (
        ("GET", f"/services/binder/api/content/{other}"),
        ("GET", f"/services/binder/api/crews/{other}"),
        ("GET", "/services/binder/api/parse?repository=org/repo"),
        ("POST", "/services/binder/api/launches"),
        ("DELETE", f"/services/binder/api/servers/{server}"),
        ("GET", "/hub/api/users"),
        ("POST", "/hub/api/users/alice/servers/another"),
        ("DELETE", f"/hub/api/users/alice/servers/{server}"),
        ("POST", "/hub/api/users/alice/tokens"),
        ("GET", "/hub/api/users/alice/tokens"),
    ):
        assert as_token(rig, token, method, path).status_code in (403, 404), (method, path)
    alice.call("DELETE", f"api/launches/{other}").raise_for_status()


def test_the_services_role_holds_what_starting_servers_takes(rig: Rig) -> None:
    code = (
        "import sqlite3, json; rows = sqlite3.connect('/var/lib/hpcbinderhub/jupyterhub.sqlite')"
        ".execute(\"select scopes from roles where name = 'binder'\").fetchall(); print(rows[0][0])"
    )
    shown = rig.cluster.run("hub", "python3", "-c", code, user="hub").stdout
    assert '"servers"' in shown
    assert '"list:users"' in shown
    assert "admin" not in shown


def test_the_hub_and_its_builders_are_different_accounts(rig: Rig) -> None:
    shown = rig.cluster.run("hub", "ps", "-eo", "user:20,args").stdout
    owners = {
        name: {line.split()[0] for line in shown.splitlines() if text in line}
        for name, text in {
            "hub": "bin/jupyterhub --config",
            "service": "hpcbinderhub.services.binder",
            "worker": "bin/hpcbinderhub worker",
        }.items()
    }
    assert owners == {"hub": {"hub"}, "service": {"hub"}, "worker": {"builder"}}
    for path in ("/var/lib/hpcbinderhub", "/var/lib/sshca/user_ca", "/var/lib/tls/server.key"):
        refused = rig.cluster.run("hub", "ls", path, user="builder", check=False)
        assert "Permission denied" in refused.stderr, path
    refused = rig.cluster.run("hub", "cat", "/var/lib/sshca/user_ca", user="hub", check=False)
    assert "Permission denied" in refused.stderr


def test_other_origins_and_missing_xsrf_tokens_are_refused(alice: Person) -> None:
    body = {"repository": QUICKSTART, "profile": "interactive"}
    for headers in ({}, {"Origin": "https://evil.example.org", "Sec-Fetch-Mode": "cors"}):
        answer = alice.client.post("/services/binder/api/launches", json=body, headers=headers)
        assert answer.status_code == 403
    assert alice.servers() == []


def test_a_worker_needs_its_token(rig: Rig) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer"}):
        answer = httpx.post(
            f"{rig.url}/services/binder/api/worker/claim", headers=headers, json={}, timeout=30
        )
        assert answer.status_code == 403


def test_a_server_cannot_be_started_past_the_launch_page(alice: Person, rig: Rig) -> None:
    for options in (
        {},
        {"profile": "interactive"},
        {"profile": "local", "cmd": ["id"]},
        {"profile": "interactive", "exec_prefix": "id", "launch": "aaaaaaaa"},
    ):
        answer = alice.hub("POST", "users/alice/servers/x", options)
        # JupyterHub answers before the spawner has refused; what counts is that nothing runs.
        assert answer.status_code in (201, 202, 400)
    assert alice.servers() == []
    assert rig.jobs("alice") == []
    assert rig.processes("hub", "singleuser") == []
    assert alice.hub("POST", "batchspawner", {"exec_prefix": "id"}).status_code == 404
