"""What needs no launch: health, versions, badges, old addresses, numbers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
from cluster.person import Person
from cluster.rig import eventually
from prometheus_client.parser import text_string_to_metric_families
from service import stream
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow

METRICS_PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_health_is_a_table_of_checks_in_binderhubs_shape(service: RunningService) -> None:
    answer = httpx.get(f"{service.url}/health")
    assert answer.status_code == 200
    report = answer.json()
    assert report["ok"] is True
    assert {"service": "JupyterHub API", "ok": True} in report["checks"]
    checks = {check["service"]: check for check in report["checks"]}
    assert set(checks) == {
        "Database", "JupyterHub API", "Artefact store", "State directory", "Build workers",
        "Cluster watcher",
    }  # fmt: skip
    assert checks["Cluster watcher"] == {
        "service": "Cluster watcher", "ok": True, "jobs": 0, "silent_seconds": 0.0,
        "_ignore_failure": True,
    }  # fmt: skip
    assert checks["Artefact store"]["free_mb"] > 0
    head = httpx.head(f"{service.url}/health")
    assert (head.status_code, head.content) == (200, b"")


def test_health_says_503_when_a_part_that_matters_fails(
    start_service: Callable[..., RunningService], tmp_path: Path
) -> None:
    service = start_service(artefacts=str(tmp_path / "gone"))
    for method in ("GET", "HEAD"):
        assert httpx.request(method, f"{service.url}/health").status_code == 503
    report = httpx.get(f"{service.url}/health").json()
    assert report["ok"] is False
    bad = [check for check in report["checks"] if not check["ok"] and "workers" not in str(check)]
    assert [check["service"] for check in bad] == ["Artefact store"]
    assert bad[0]["message"] == f"{tmp_path / 'gone'} is missing, or closed to this account."


def test_a_disk_that_is_nearly_full_is_unwell(
    start_service: Callable[..., RunningService], tmp_path: Path
) -> None:
    service = start_service(free_disk_mb=1 + shutil.disk_usage(tmp_path).total // 2**20)
    report = httpx.get(f"{service.url}/health").json()
    unwell = {check["service"] for check in report["checks"] if not check["ok"]}
    assert {"Artefact store", "State directory"} <= unwell


def test_versions_are_public_and_in_binderhubs_shape(service: RunningService) -> None:
    answer = httpx.get(f"{service.url}/versions", headers={"Origin": "https://x.example.org"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    versions = answer.json()
    assert {"builder", "builder_info", "binderhub", "hpcbinderhub"} <= set(versions)
    assert list(versions["builder_info"]) == ["repo2docker-version"]


def test_the_kinds_of_repositories_are_told_as_binderhub_tells_them(
    service: RunningService,
) -> None:
    kinds = httpx.get(f"{service.url}/api/repoproviders").json()
    assert [kind["id"] for kind in kinds] == [
        *("gh", "gl", "gist", "git"),
        *("zenodo", "figshare", "dataverse", "hydroshare", "ckan", "swh", "doi"),
    ]
    for kind in kinds:
        assert {"displayName", "id", "spec", "repo", "ref"} <= set(kind)
        assert kind["spec"]["validateRegex"]


@pytest.mark.parametrize("path", ["badge.svg", "badge_logo.svg", "assets/images/badge.svg"])
def test_badges_are_pictures_that_anybody_may_show(path: str, service: RunningService) -> None:
    answer = httpx.get(f"{service.url}/{path}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert ElementTree.fromstring(answer.content).tag == "{http://www.w3.org/2000/svg}svg"


def test_static_files_are_served_and_nothing_else(service: RunningService) -> None:
    assert "launch-form" in httpx.get(f"{service.url}/static/launch.js").text
    for path in ("..%2f..%2ftemplates%2fpage.html", "..%2flaunch.js", "nothing.js"):
        assert httpx.get(f"{service.url}/static/{path}").status_code in (403, 404)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("repo/org/name", "v2/gh/org/name/master"),
        ("repo/org/name/", "v2/gh/org/name/master"),
        ("repo/org/name/notebooks/i.ipynb", "v2/gh/org/name/master?urlpath=%2Fnotebooks%2Fi.ipynb"),
        ("repo/o%0Arg/name%2F..", "v2/gh/o%0Arg/name%2F../master"),
    ],
)
def test_addresses_of_the_first_binder_lead_on(old: str, new: str, service: RunningService) -> None:
    answer = httpx.get(f"{service.url}/{old}")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/services/binder/{new}"


# -- numbers ---------------------------------------------------------------------------------------


def numbers(service: RunningService) -> dict[str, float]:
    """Each sample by its name and labels, read with a scraper's token."""
    answer = httpx.get(
        f"{service.url}/metrics", headers={"Authorization": f"Bearer {service.hub.scraper_token}"}
    )
    assert answer.status_code == 200
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_numbers_tell_what_became_of_builds_and_launches(
    alice: Person, repository: ServedRepository, service: RunningService
) -> None:
    stream.build(alice, repository.spec())
    service.builder.failure = {"cause": "made up", "message": "No.", "advice": "", "lines": []}
    repository.commit("requirements.txt", "other\n")
    stream.build(alice, repository.spec(), build_only="true")
    for _ in range(2):  # Scraping twice counts nothing twice.
        seen = numbers(service)
    assert seen["hpcbinderhub_builds_total{cause=,result=done}"] == 1
    # The cause is a builder's word: one that is not known does not become a label.
    assert seen["hpcbinderhub_builds_total{cause=other,result=failed}"] == 1
    assert seen["hpcbinderhub_launches_total{profile=interactive,result=ready}"] == 1
    assert seen["hpcbinderhub_launch_ready_seconds_count{profile=interactive}"] == 1
    assert seen["hpcbinderhub_build_phase_seconds_count{phase=building}"] == 2
    assert seen["hpcbinderhub_queue_builds{state=queued}"] == 0
    streams = "hpcbinderhub_http_requests_total{handler=BuildStreamHandler,method=GET,status=200}"
    assert seen[streams] >= 1


def test_open_streams_are_counted_until_their_clients_leave(
    alice: Person, repository: ServedRepository, service: RunningService
) -> None:
    service.tell(service.builder.free.clear)
    url = f"{service.url}/build/{repository.spec()}"
    events = stream.read(url, {"Authorization": f"Bearer {alice.token}"})
    next(events)
    assert numbers(service)["hpcbinderhub_event_streams{}"] == 1
    building = "hpcbinderhub_live_launches{state=building}"
    eventually(lambda: numbers(service)[building] == 1, 60, "the launch waits for its build")
    events.close()
    gone = lambda: numbers(service)["hpcbinderhub_event_streams{}"] == 0  # noqa: E731
    eventually(gone, 9, "the stream is no longer counted")
    service.tell(service.builder.free.set)


def test_numbers_are_for_who_may_read_the_hubs(
    alice: Person, start_service: Callable[..., RunningService]
) -> None:
    service = start_service()
    assert httpx.get(f"{service.url}/metrics").status_code == 403
    assert alice.call("GET", "metrics").status_code == 403
    assert numbers(service)
    service = start_service(authenticate_metrics=False)
    assert httpx.get(f"{service.url}/metrics").status_code == 200


def test_every_number_is_documented(service: RunningService) -> None:
    families = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in service.services.metrics.registry.collect()
    }
    assert len(families) >= 8
    assert families == set(re.findall(r"`(hpcbinderhub_\w+)`", METRICS_PAGE.read_text()))
