"""What becomes of finished images: limits, pins, removal, and who is in the way of it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cluster.person import Person
from cluster.rig import eventually
from images.bills.bills import bill
from repos.forge import Forge
from service.agent_here import AgentHere
from service.browser import Browser
from service.repository import ServedRepository
from service.running import RunningService

from hpcbinderhub.builds.attempt import BuildAttempt
from hpcbinderhub.builds.chores import remove_pending
from hpcbinderhub.builds.client import ServiceClient
from hpcbinderhub.builds.request import Artefact, BuiltEvent, Image
from hpcbinderhub.store.catalogue import Catalogue
from hpcbinderhub.store.collector import Collector
from hpcbinderhub.store.delivery import StagedStore, store_of
from hpcbinderhub.store.distant import DistantStore
from hpcbinderhub.store.uses import DAY, Uses

pytestmark = pytest.mark.slow

TOKEN = "a worker's token"
WORKERS = {"one": hashlib.sha256(TOKEN.encode()).hexdigest()}
A_BYTE = 1e-9
"""A limit in GB that every image passes."""


@pytest.fixture
def other(forge: Forge) -> ServedRepository:
    """A repository beside `repository`: the same address, another tree."""
    return ServedRepository(forge)


def collect(service: RunningService, days_later: float = 0.0) -> list[str]:
    """One round of the collector, now or some days later."""
    services = service.services

    def clock() -> float:
        return time.time() + days_later * DAY

    uses = Uses(service.site.artefacts_grace_days, services.database, services.hub, clock)
    catalogue = Catalogue(services.database, uses, clock)
    collector = Collector(service.site, services.database, catalogue, uses, clock)
    return service.do(collector.collect())


def work(service: RunningService) -> None:
    """A worker's round of removing."""
    asyncio.run(remove_pending(ServiceClient(service.site, TOKEN), store_of(service.site)))


def launched(person: Person, repository: ServedRepository) -> dict[str, Any]:
    """Launch to the end; the launch."""
    launch = person.launch(repository.url)
    last = person.follow(launch)
    assert last["phase"] == "ready", last
    found: dict[str, Any] = person.call("GET", f"api/launches/{launch}").json()
    return found


def images(person: Person) -> dict[str, dict[str, Any]]:
    """All images, by the commit that they were built from."""
    return {image["commit"]: image for image in person.call("GET", "api/images").json()}


def files(service: RunningService) -> set[str]:
    return {path.name for path in Path(service.site.artefacts).iterdir()}


def test_ones_own_are_those_that_one_asked_for_or_launched(
    alice: Person, bob: Person, service: RunningService, repository: ServedRepository
) -> None:
    def own(person: Person) -> list[str]:
        answer = person.call("GET", "api/images?mine=true").json()
        return [image["commit"] for image in answer]

    launched(alice, repository)
    assert (own(alice), own(bob)) == ([repository.head], [])
    bob.stop(launched(bob, repository)["server"])
    assert own(bob) == [repository.head]


def test_what_runs_stays_and_goes_when_it_has_stopped(
    alice: Person, start_service: Callable[..., RunningService], repository: ServedRepository
) -> None:
    service = start_service(artefacts_limit_gb=A_BYTE, worker_tokens=WORKERS)
    launch = launched(alice, repository)
    assert images(alice)[repository.head]["in_use"] is True
    assert collect(service) == []
    alice.stop(launch["server"])
    (artefact,) = collect(service)
    assert repository.head not in images(alice)
    assert files(service) == {f"{artefact}.squashfs"}
    assert alice.call("GET", "api/store").json()["removing"] == 1
    work(service)
    assert files(service) == set()
    assert alice.call("GET", "api/store").json()["removing"] == 0


def test_the_service_collects_by_itself(
    start_service: Callable[..., RunningService], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpcbinderhub.services.binder.upkeep.COLLECT_SECONDS", 0.1)
    service = start_service()
    stray = Path(service.site.artefacts) / f"{'a' * 64}.squashfs"
    stray.touch()
    os.utime(stray, (0, 0))
    totals = lambda: service.do(service.services.catalogue.totals())  # noqa: E731
    eventually(lambda: totals().removing == 1, 60, "the file is given up")


def test_whoever_launches_what_was_removed_has_it_built_again(
    alice: Person, start_service: Callable[..., RunningService], repository: ServedRepository
) -> None:
    service = start_service(artefacts_limit_gb=A_BYTE)
    first = launched(alice, repository)
    alice.stop(first["server"])
    assert len(collect(service)) == 1
    second = launched(alice, repository)
    assert second["build"] not in (None, first["build"])


def test_a_stopped_server_that_could_start_again_keeps_its_image_for_some_days(
    alice: Person, start_service: Callable[..., RunningService], repository: ServedRepository
) -> None:
    service = start_service(artefacts_limit_gb=A_BYTE, artefacts_grace_days=2)
    server = launched(alice, repository)["server"]
    # As JupyterHub's own page stops it: the server is still offered there.
    alice.hub("DELETE", f"users/alice/servers/{server}").raise_for_status()
    assert collect(service, days_later=1.9) == []
    assert len(collect(service, days_later=2.1)) == 1
    alice.stop(server)


def test_a_launch_that_waits_for_its_owner_keeps_its_image_and_later_gets_a_new_one(
    alice: Person, start_service: Callable[..., RunningService], repository: ServedRepository
) -> None:
    service = start_service(artefacts_limit_gb=A_BYTE, artefacts_grace_days=2, away_seconds=0.0)
    launch = alice.launch(repository.url)
    state = lambda: alice.call("GET", f"api/launches/{launch}").json()["state"]  # noqa: E731
    eventually(lambda: state() == "parked", 60, "the launch waits for its owner")
    assert collect(service, days_later=1.9) == []
    assert len(collect(service, days_later=2.1)) == 1
    built = alice.call("GET", f"api/launches/{launch}").json()["build"]
    assert alice.call("POST", f"api/launches/{launch}/start").status_code in (200, 202)
    eventually(lambda: state() == "parked", 60, "the image is there again")
    assert alice.call("GET", f"api/launches/{launch}").json()["build"] != built


def test_a_pin_keeps_an_image_through_limits_and_builds(
    alice: Person,
    carol: Person,
    start_service: Callable[..., RunningService],
    repository: ServedRepository,
) -> None:
    service = start_service(artefacts_age_days=1)
    launch = launched(alice, repository)
    alice.stop(launch["server"])
    key = images(alice)[repository.head]["key"]
    assert alice.call("PUT", f"api/images/{key}/pin").status_code == 403
    pinned = carol.call("PUT", f"api/images/{key[:12]}/pin").json()
    assert (pinned["key"], pinned["pinned_by"]) == (key, "carol")
    assert collect(service, days_later=9) == []
    assert carol.call("DELETE", f"api/images/{key}").json()["message"].endswith("by carol.")

    body = {"repository": repository.url, "force": True}
    build = alice.call("POST", "api/builds", body).json()["build"]["id"]
    assert alice.build_log(build)[-1]["phase"] == "built"
    assert collect(service, days_later=9) == []
    assert carol.call("DELETE", f"api/images/{key}/pin").json()["pinned_by"] is None
    assert len(collect(service, days_later=9)) == 1


def test_an_admin_removes_what_nobody_uses(
    alice: Person, carol: Person, service: RunningService, repository: ServedRepository
) -> None:
    launch = launched(alice, repository)
    image = images(alice)[repository.head]
    path = f"api/images/{image['key']}"
    assert alice.call("DELETE", path).status_code == 403
    refused = carol.call("DELETE", path)
    assert refused.status_code == 409
    assert "in use" in refused.json()["message"]
    alice.stop(launch["server"])
    assert carol.call("DELETE", path).status_code == 204
    assert carol.call("GET", path).status_code == 404


def test_each_image_says_its_share_of_the_store(
    alice: Person, service: RunningService, repository: ServedRepository, other: ServedRepository
) -> None:
    made = alice.call("POST", "api/builds", {"repository": other.url}).json()
    alice.build_log(made["build"]["id"])
    shown = images(alice)
    assert sum(image["share"] for image in shown.values()) == pytest.approx(1.0)
    store = alice.call("GET", "api/store").json()
    assert store["images"] == len(shown)
    assert store["size"] == sum(image["size"] for image in shown.values())


def test_files_that_no_image_stands_for_go_after_a_day(
    alice: Person, start_service: Callable[..., RunningService], repository: ServedRepository
) -> None:
    service = start_service(worker_tokens=WORKERS)
    launched(alice, repository)
    kept = files(service)
    store = Path(service.site.artefacts)
    for name, age in (("a" * 64, 2 * DAY), ("b" * 64, 0.0)):
        path = store / f"{name}.squashfs"
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age,) * 2)
    assert collect(service) == ["a" * 64]
    work(service)
    assert files(service) == {*kept, f"{'b' * 64}.squashfs"}


def test_a_file_that_cannot_be_removed_goes_on_waiting(
    alice: Person, start_service: Callable[..., RunningService]
) -> None:
    service = start_service(worker_tokens=WORKERS)
    store = Path(service.site.artefacts)
    in_the_way, removable = store / f"{'a' * 64}.squashfs", store / f"{'b' * 64}.squashfs"
    in_the_way.mkdir()
    removable.touch()
    for path in (in_the_way, removable):
        os.utime(path, (0, 0))
    assert collect(service) == ["a" * 64, "b" * 64]
    work(service)
    assert not removable.exists()
    assert alice.call("GET", "api/store").json()["removing"] == 1


async def build_and_send(service: RunningService, store: StagedStore) -> None:
    """What a worker does that does not mount the store, but for the building."""
    client = ServiceClient(service.site, TOKEN)
    claimed = await client.claim("")
    assert claimed
    digest = hashlib.sha256(b"squash").hexdigest()
    artefact = Artefact(path=store.folder / f"{digest}.squashfs", sha256=digest, size=6)
    artefact.path.write_bytes(b"squash")
    artefact.path.with_suffix(".json").write_text("{}")
    attempt = BuildAttempt(client, claimed["id"], service.site.lease_seconds, store)
    end = BuiltEvent(artefact=artefact, image=Image(id="x", env={}), bill=bill())
    await attempt.tell(end, None)


@pytest.mark.parametrize("there", [True, False])
def test_an_artefact_is_in_the_store_before_its_build_is_done(
    alice: Person,
    start_service: Callable[..., RunningService],
    repository: ServedRepository,
    other: ServedRepository,
    tmp_path: Path,
    there: bool,
) -> None:
    service = start_service(worker_tokens=WORKERS)
    # The tests' own builder is busy with one, and leaves the next to the other worker.
    service.tell(service.builder.free.clear)

    def asked(repository: ServedRepository) -> str:
        body = {"repository": repository.url, "ref": repository.head}
        build: str = alice.call("POST", "api/builds", body).json()["build"]["id"]
        return build

    def shown(build: str) -> Any:
        return alice.call("GET", f"api/builds/{build}").json()

    held = asked(repository)
    eventually(lambda: shown(held)["worker"], 60, "the tests' builder is busy")
    build = asked(other)
    far = service.site.artefacts if there else str(tmp_path / "absent")
    (tmp_path / "staged").mkdir()
    store = StagedStore(
        tmp_path / "staged", DistantStore(AgentHere("artefacts", far), "binder", far)
    )
    asyncio.run(build_and_send(service, store))
    if there:
        assert shown(build)["state"] == "done"
        assert len(files(service)) == 2
    else:
        assert shown(build)["state"] == "failed"
        assert "did not take the artefact in" in shown(build)["failure"]["message"]
    assert "Sending the artefact: 0 of 0 MB" in alice.call("GET", f"api/builds/{build}/log").text
    assert not list(store.folder.iterdir())


def test_removals_are_for_workers(alice: Person, service: RunningService) -> None:
    assert alice.call("GET", "api/worker/removals").status_code == 403
    assert alice.call("POST", "api/worker/removals", {"artefacts": []}).status_code == 403


def test_the_admins_page_offers_all_this(
    alice: Person,
    carol: Person,
    start_service: Callable[..., RunningService],
    repository: ServedRepository,
) -> None:
    service = start_service(artefacts_limit_gb=2000)
    launch = launched(alice, repository)
    browser = Browser(service.hub.url)
    browser.follow("/services/binder/login", "carol")
    look = lambda: browser.client.get("/services/binder/admin").text  # noqa: E731
    key = images(alice)[repository.head]["key"]
    page = look()
    assert "of 2.0 TB" in page
    assert "in use" in page
    assert f'data-method="PUT" data-path="api/images/{key}/pin"' in page
    assert f'data-method="DELETE" data-path="api/images/{key}"' not in page
    alice.stop(launch["server"])
    carol.call("PUT", f"api/images/{key}/pin")
    page = look()
    assert "pinned by carol" in page
    assert f'data-method="DELETE" data-path="api/images/{key}/pin"' in page
