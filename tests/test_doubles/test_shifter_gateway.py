"""Contract 4: the gateway's REST interface, and what it leaves in imagePath (contract 5)."""

import time
from typing import Any

import pytest
from fixed_registry import Registry
from gateway_under_test import Gateway, start_gateway
from shifter_double.gateway_config import GatewayConfig
from shifter_double.gateway_records import READY, Record, Records
from shifter_double.metadata import read_metadata
from site_under_test import IMAGE_ID, Site

LOOKUP = "/api/lookup/testcluster/docker"
PULL = "/api/pull/testcluster/docker"


def finished_pull(gateway: Gateway, tag: str) -> dict[str, Any]:
    """Ask for the same pull again until it is over, as shifterimg does."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        status, record = gateway.post(f"{PULL}/{tag}/")
        assert status == 200
        if record["status"] in ("READY", "FAILURE"):
            return dict(record)
        time.sleep(0.05)
    raise AssertionError(f"the pull hangs: {record}")


def test_what_is_not_there(gateway: Gateway) -> None:
    status, answer = gateway.get(f"{LOOKUP}/lab/none:1/")
    assert (status, answer["error"]) == (404, "image not found")
    assert answer["message"] == f"Not Found: {gateway.url}{LOOKUP}/lab/none:1/"
    assert gateway.get("/api/nosuch/")[0] == 404
    assert gateway.get(f"{PULL}/lab/tool:1/")[0] == 405
    assert gateway.get("/") == (200, "{lookup,pull,expire,list}")


def test_a_pull_from_a_registry(gateway: Gateway, registry: Registry) -> None:
    digest = registry.add_image("lab/tool", "1", gateway.site.shared / "tree")
    status, first = gateway.post(f"{PULL}/lab/tool:1/")
    assert (status, first["status"], first["id"], first["ENV"]) == (
        200,
        "INIT",
        "MISSING",
        "MISSING",
    )
    ready = finished_pull(gateway, "lab/tool:1")
    assert (ready["status"], ready["id"]) == ("READY", digest)
    assert ready["tag"] == ["lab/tool:1"]
    assert ready["WORKDIR"] == "/srv/env"
    assert isinstance(ready["last_pull"], float)
    # With and without the last slash; %-encoded as one segment.
    for path in (f"{LOOKUP}/lab/tool:1/", f"{LOOKUP}/lab/tool:1", f"{LOOKUP}/lab%2Ftool%3A1/"):
        assert gateway.get(path)[1]["id"] == digest
    meta = read_metadata(gateway.site.shared / gateway.site.settings["imagePath"], digest)
    assert (meta.entry, meta.cmd) == (("echo", "entry"), ("of the image",))
    done = gateway.site.shifter("sh", "-c", "echo $IMAGE_NAME", image="docker:lab/tool:1")
    assert done.stdout == "lab/tool\n"


def test_one_id_has_one_record_with_several_tags(gateway: Gateway) -> None:
    digest = str(finished_pull(gateway, "lab/tool:1")["id"])
    by_digest = f"lab/tool@sha256:{digest}"
    assert sorted(finished_pull(gateway, by_digest)["tag"]) == ["lab/tool:1", by_digest]
    _, listed = gateway.get("/api/list/testcluster/")
    assert [record["id"] for record in listed["list"]] == [digest]


def test_a_failure_is_sticky_and_tells_nothing(gateway: Gateway, registry: Registry) -> None:
    failed = finished_pull(gateway, "lab/late:1")
    assert (failed["status"], failed["status_message"]) == ("FAILURE", "FAILURE")
    assert gateway.get(f"{LOOKUP}/lab/late:1/")[0] == 404
    registry.add_image("lab/late", "1", gateway.site.shared / "tree")
    again = finished_pull(gateway, "lab/late:1")
    assert (again["status"], again["last_pull"]) == ("FAILURE", failed["last_pull"])
    _, queue = gateway.get("/api/queue/testcluster/")
    assert queue == {"list": [{"status": "FAILURE", "image": "lab/late:1"}]}


def test_the_time_of_a_failure_needs_two_keys(site: Site, registry: Registry) -> None:
    registry.add_image("lab/soon", "1", site.shared / "tree")
    short = {"PullUpdateTimeout": 1}
    with start_gateway(site, registry, **short) as gateway:
        finished_pull(gateway, "lab/never:1")
        time.sleep(1.1)
        assert gateway.post(f"{PULL}/lab/never:1/")[1]["status"] == "FAILURE"
    with start_gateway(site, registry, **short, PullUpdateTime=1) as gateway:
        finished_pull(gateway, "lab/never:1")
        time.sleep(1.1)
        assert gateway.post(f"{PULL}/lab/never:1/")[1]["status"] == "INIT"


def test_a_tag_without_colon_is_latest(gateway: Gateway, registry: Registry) -> None:
    registry.add_image("lab/newest", "latest", gateway.site.shared / "tree")
    assert finished_pull(gateway, "lab/newest")["tag"] == ["lab/newest:latest"]
    assert gateway.get(f"{LOOKUP}/lab/newest/")[0] == 200


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("lab/tool:1", ("home", "one.example", "lab/tool:1")),
        ("other/lab/tool:1", ("other", "two.example:5000", "lab/tool:1")),
        ("two.example:5000/lab/tool:1", None),
    ],
)
def test_locations(tag: str, found: tuple[str, str, str] | None) -> None:
    locations = {
        "home": {"url": "https://one.example"},
        "other": {"url": "http://two.example:5000"},
    }
    config = GatewayConfig({"Locations": locations, "DefaultImageLocation": "home"})
    located = config.locate(tag)
    assert found == (located and (located[0], located[1].host, located[2]))


def test_taking_in_a_ready_squashfs(gateway: Gateway) -> None:
    squashed = gateway.site.images / f"{IMAGE_ID}.squashfs"
    image_id = gateway.take_in("ready:1", squashed)
    assert len(image_id) == 64
    done = gateway.site.shifter("/bin/cat", "/etc/motd", image="custom:ready:1")
    assert (done.returncode, done.stdout) == (0, "of the image\n")
    # The id goes on working when the gateway does not.
    alone = gateway.site.configured("alone", imageGateway="http://127.0.0.1:9")
    assert alone.shifter("/bin/true", image=f"id:{image_id}").returncode == 0


def test_a_file_that_is_no_squashfs_is_not_taken_in(gateway: Gateway) -> None:
    body = {"filepath": "/etc/hosts", "format": "squashfs"}
    assert gateway.post("/api/doimport/testcluster/custom/bad:1/", body)[0] == 200
    limit = time.monotonic() + 60
    while (queue := gateway.get("/api/queue/testcluster/")[1])["list"] != [
        {"status": "FAILURE", "image": "bad:1"}
    ]:
        assert time.monotonic() < limit, queue
        time.sleep(0.05)


def test_only_listed_users_may_import(site: Site, registry: Registry) -> None:
    body = {"filepath": "/etc/hosts", "format": "squashfs"}
    with start_gateway(site, registry, ImportUsers=["nobody"]) as gateway:
        assert gateway.post("/api/doimport/testcluster/custom/mine:1/", body)[0] == 500


def test_bad_requests(gateway: Gateway) -> None:
    assert gateway.post(f"{PULL}/lab/tool:1/", "no object")[0] == 500
    status, answer = gateway.get("/api/list/elsewhere/")
    assert (status, answer["error"]) == (404, "Bad session or system")


def test_expiring_is_for_admins(gateway: Gateway) -> None:
    """Without a credential nobody is one."""
    gateway.take_in("ready:1", gateway.site.images / f"{IMAGE_ID}.squashfs")
    assert gateway.get("/api/expire/testcluster/custom/ready:1/")[1] == {"status": False}
    assert gateway.get("/api/expire/testcluster/custom/nosuch:1/")[1] == {"status": None}
    assert gateway.get("/api/autoexpire/testcluster/")[1] == {"status": False}


def test_the_state_outlives_the_gateway(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("state") / "state.json"
    records = Records(path)
    record, _ = records.begin(Record("s", "docker", ["lab/tool:1"]))
    record.id = IMAGE_ID
    records.finish(record, 10.0)
    found = Records(path).ready("s", "docker", "lab/tool:1")
    assert found is not None
    assert found.id == IMAGE_ID


class Clock:
    """A time that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Records:
    return Records(tmp_path_factory.mktemp("state") / "state.json", clock=clock)


def begin(records: Records, uids: tuple[int, ...] = ()) -> tuple[Record, bool]:
    return records.begin(Record("s", "docker", ["lab/tool:1"], asked_acl=(list(uids), [])))


def test_concurrent_pulls_share_one_record_until_the_worker_is_dead(
    records: Records, clock: Clock
) -> None:
    first, started = begin(records)
    assert started
    clock.now += 3599
    assert begin(records) == (first, False)
    clock.now += 2
    assert begin(records)[1]


def test_ready_is_pulled_again_after_300_seconds(records: Records, clock: Clock) -> None:
    old, _ = begin(records)
    old.id = "1" * 64
    records.finish(old, 1e6)
    clock.now += 299
    assert begin(records) == (old, False)
    clock.now += 2
    new, started = begin(records)
    assert started
    # Lookup keeps serving the old one meanwhile, then only the new one has the tag.
    assert records.ready("s", "docker", "lab/tool:1") is old
    new.id = "2" * 64
    records.finish(new, 1e6)
    assert records.ready("s", "docker", "lab/tool:1") is new
    assert [r.id for r in records.of_system("s") if r.status == READY] == ["2" * 64]


def test_a_changed_acl_pulls_again_after_10_seconds(records: Records, clock: Clock) -> None:
    record, _ = begin(records)
    records.finish(record, 1e6)
    clock.now += 9
    assert not begin(records, uids=(7,))[1]
    clock.now += 2
    assert begin(records, uids=(7,))[1]
