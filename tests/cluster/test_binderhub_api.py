"""BinderHub's API on the containerised site: real builds, real jobs."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig, eventually
from service import npm, stream

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def spec(url: str, ref: str = "HEAD") -> str:
    return f"git/{quote(url, safe='')}/{ref}"


def test_the_npm_client_gets_jupyterlab_on_a_compute_node(alice: Person, rig: Rig) -> None:
    events = npm.launch(alice, spec("http://git/quickstart.git"))
    ready = events[-1]
    assert ready["phase"] == "ready", ready
    assert ready["token"] == ""
    answer = Lab(alice, ready["url"].removeprefix(rig.url)).get("api/status")
    assert answer.status_code == 200
    (server,) = alice.servers()
    assert ready["url"] == f"{rig.url}/user/alice/{server}/"
    assert len(rig.jobs("alice")) == 1


def test_a_real_builds_log_comes_in_the_stream_and_the_stream_goes_on_where_it_broke(
    alice: Person, rig: Rig
) -> None:
    files = {"postBuild": f"#!/bin/bash\necho made of {rig.unique()}\n"}
    repository = rig.repository("binderhub-api", files)
    whole = stream.numbered(alice, spec(repository), build_only="true")
    phases = list(dict.fromkeys(event["phase"] for _, event in whole))
    assert phases[0] == "fetching"
    assert phases[-1] == "built"
    assert "converting" in phases
    text = "".join(event["message"] for _, event in whole)
    assert f"made of {files['postBuild'].split()[-1]}" in text
    assert whole[-1][1]["imageName"].startswith("sha256:")
    numbered = [(name, event) for name, event in whole if name]
    middle = len(numbered) // 2
    since = numbered[middle][0]
    assert (
        stream.numbered(alice, spec(repository), since, build_only="true") == numbered[middle + 1 :]
    )
    assert alice.servers() == []


def test_the_site_is_well_and_says_so(rig: Rig) -> None:
    def well() -> bool:
        checks = httpx.get(f"{rig.url}/services/binder/health", timeout=30).json()["checks"]
        return all(check["ok"] for check in checks)

    eventually(well, 180, "every check is well")


def test_a_tab_of_another_site_cannot_launch_with_alices_cookie(alice: Person, rig: Rig) -> None:
    alice.client.get("/services/binder/")
    path = f"/services/binder/build/{spec('http://git/quickstart.git')}"
    for headers in (
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://elsewhere.example.org"},
        {},
    ):
        answer = alice.client.get(path, headers=stream.ACCEPT | headers)
        assert '"status_code": 403' in answer.text
    assert alice.servers() == []
    assert rig.jobs("alice") == []
