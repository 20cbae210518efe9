"""Private repositories: alice may read one at the forge, bob may not."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cluster.person import Person
from cluster.rig import eventually
from images.bills.bills import bill, python
from repos.forge import Forge
from service import stream
from service.browser import Browser
from service.repository import ServedRepository
from service.running import UIDS, WORKER, RunningService

from hpcbinderhub.builds.client import ServiceClient
from hpcbinderhub.builds.fence.host import Host
from hpcbinderhub.builds.fence.policy import BuildPolicy, Fence
from hpcbinderhub.builds.worker import Worker
from hpcbinderhub.builds.workplace import Readied
from hpcbinderhub.credentials.hosts import host_of
from hpcbinderhub.credentials.keyring import add_key
from hpcbinderhub.images.store import artefact_file
from hpcbinderhub.site import Site

pytestmark = pytest.mark.slow

TOKEN = "glpat-aVerySecretToken"


@pytest.fixture
def private(repository: ServedRepository, forge: Forge) -> str:
    """The address of a repository that the forge shows to whoever has the token."""
    forge.tokens.add(TOKEN)
    return forge.private_url


def enter(person: Person, address: str, token: str = TOKEN) -> None:
    """Enter a token for an address's host."""
    answer = person.call("PUT", f"api/credentials/{host_of(address)}", {"token": token})
    assert answer.status_code == 204, answer.text


def failure(person: Person, address: str, **more: Any) -> dict[str, Any]:
    """The end of a launch that fails."""
    last = person.follow(person.launch(address, **more))
    assert last["phase"] == "failed", last
    return last


def test_alice_launches_with_her_token_and_bob_is_told_nothing(
    alice: Person, bob: Person, private: str
) -> None:
    refused = failure(alice, private)
    assert refused["message"] == f"{private} is private, or does not exist."
    assert f"enter a token for {host_of(private)} on the page “Yours”" in refused["advice"]

    enter(alice, private)
    launch = alice.launch(private)
    assert alice.follow(launch)["phase"] == "ready"
    assert alice.call("GET", f"api/launches/{launch}").json()["private"] is True

    enter(bob, private, "a token of his own, for something else")
    refused = failure(bob, private)
    assert refused["message"] == f"{private} is private, or does not exist."
    assert "was refused, or may not read it" in refused["advice"]


def test_each_reader_has_an_environment_of_her_own(
    alice: Person, bob: Person, private: str, tmp_path: Path
) -> None:
    made = {}
    for person in (alice, bob):
        enter(person, private)
        first = person.call("POST", "api/builds", {"repository": private}).json()["build"]
        assert first["reader"] == person.name
        assert person.build_log(first["id"])[-1]["phase"] == "built"
        again = person.call("POST", "api/builds", {"repository": private}).json()
        assert again["artefact"] == first["key"]
        made[person.name] = first
    assert made["alice"]["key"] != made["bob"]["key"]
    for name, build in made.items():
        assert Path(artefact_file(tmp_path / "artefacts", build["key"], UIDS[name])).exists()
        assert not Path(artefact_file(tmp_path / "artefacts", build["key"])).exists()


def test_what_is_in_it_is_told_to_its_reader_alone(
    alice: Person, bob: Person, private: str, service: RunningService
) -> None:
    service.builder.bill = bill(python("six", "1.17.0"))
    enter(alice, private)
    build = alice.call("POST", "api/builds", {"repository": private}).json()["build"]
    assert alice.build_log(build["id"])[-1]["phase"] == "built"
    for method, what in (("GET", "environment"), ("GET", "bill"), ("POST", "rebuild")):
        path = f"api/builds/{build['id']}/{what}"
        assert bob.call(method, path).status_code == 404
        assert alice.call(method, path).status_code in (200, 201)
    artefact = build["key"]
    assert bob.call("GET", f"api/builds?artefact={artefact}").json() == []
    assert len(alice.call("GET", f"api/builds?artefact={artefact}").json()) == 1


def test_who_lost_the_right_at_the_forge_lost_it_here(
    alice: Person, private: str, forge: Forge
) -> None:
    enter(alice, private)
    launch = alice.launch(private)
    assert alice.follow(launch)["phase"] == "ready"
    for server in alice.servers():
        alice.stop(server)
    commit = alice.call("GET", f"api/launches/{launch}").json()["commit"]
    forge.tokens.clear()
    for ref in ("", commit):
        assert "was refused" in failure(alice, private, ref=ref)["advice"]


def test_who_lost_the_right_while_a_launch_waited_for_her_cannot_go_on(
    alice: Person, private: str, forge: Forge, start_service: Callable[..., RunningService]
) -> None:
    start_service(away_seconds=0)
    enter(alice, private)
    launch = alice.launch(private)
    shown = lambda: alice.call("GET", f"api/launches/{launch}").json()["state"]  # noqa: E731
    eventually(lambda: shown() == "parked", 60, "the launch waits for alice")
    forge.tokens.clear()
    alice.call("POST", f"api/launches/{launch}/start")
    assert "was refused" in alice.follow(launch)["advice"]
    assert alice.servers() == []


def test_a_token_that_was_removed_opens_nothing_more(
    alice: Person, bob: Person, private: str
) -> None:
    enter(alice, private)
    host = f"api/credentials/{host_of(private)}"
    assert bob.call("DELETE", host).status_code == 404
    assert alice.call("DELETE", host).status_code == 204
    assert alice.call("DELETE", host).status_code == 404
    assert alice.call("GET", "api/credentials").json() == []
    assert "enter a token" in failure(alice, private)["advice"]


def test_a_private_build_is_there_for_its_reader_and_for_admins(
    alice: Person, bob: Person, carol: Person, private: str
) -> None:
    enter(alice, private)
    launch = alice.launch(private)
    alice.follow(launch)
    build = alice.call("GET", f"api/launches/{launch}").json()["build"]
    paths = [f"api/builds/{build}{rest}" for rest in ("", "/log", "/events")]
    for person, status in ((alice, 200), (carol, 200), (bob, 404)):
        assert [person.call("GET", path).status_code for path in paths] == [status] * 3
        for listing in ("api/builds", "api/images"):
            listed = person.call("GET", listing).json()
            assert (private in [entry["repo_url"] for entry in listed]) == (status == 200)
    assert bob.call("POST", f"api/builds/{build}/retry").status_code == 404
    (told,) = stream.build(bob, "gh/org/repo/HEAD", f"build:{build}:0", build_only="true")
    assert told["message"].startswith("There is no such build.")


def test_builds_by_binderhubs_clients_are_their_readers_too(
    alice: Person, bob: Person, private: str, forge: Forge
) -> None:
    enter(alice, private)
    spec = ServedRepository(forge).spec().replace("repo.git", "private%2Frepo.git")
    assert stream.build(alice, spec, build_only="true")[-1]["phase"] == "built"
    told = stream.build(bob, spec, build_only="true")[-1]
    assert "is private, or does not exist" in told["message"]


def test_an_engine_that_cannot_keep_an_image_to_one_user_is_refused(
    alice: Person,
    private: str,
    repository: ServedRepository,
    start_service: Callable[..., RunningService],
) -> None:
    shifter = {"name": "shifter", "title": "S", "partition": "regular", "engine": "shifter"}
    start_service(profiles=[shifter], shifter_gateway="http://gateway:5000")
    enter(alice, private)
    refused = failure(alice, private, profile="shifter")
    assert refused["message"].startswith("Shifter keeps no image for one user alone")
    assert refused["advice"] == "Choose a profile with another engine."
    assert private not in [build["repo_url"] for build in alice.call("GET", "api/builds").json()]
    assert alice.follow(alice.launch(repository.url, profile="shifter"))["phase"] == "ready"


def test_a_recipe_with_a_password_of_a_package_index_counts_as_private(
    alice: Person, bob: Person, repository: ServedRepository
) -> None:
    repository.commit(
        "binder/requirements.txt", "--extra-index-url=https://me:secret@pypi.example.org/simple\n"
    )
    launch = alice.launch(repository.url)
    told = list(alice.events(launch))
    (notice,) = [event["message"] for event in told if event.get("notice")]
    assert notice.startswith("binder/requirements.txt holds a password of a package index")
    assert "secret" not in notice.replace("Secrets", "")
    shown = alice.call("GET", f"api/launches/{launch}").json()
    assert shown["private"] is True
    assert bob.call("GET", f"api/builds/{shown['build']}").status_code == 404


READIED = Readied(["localhost/base:1"], Fence(BuildPolicy(trusted_builders=["*"]), Host()))


async def work_once(site: Site, token: str) -> None:
    """What a worker does with the one build that it claims."""
    client = ServiceClient(site, token)
    claimed = await client.claim("")
    assert claimed
    await Worker(site, client, lambda: READIED)._build(claimed, READIED)


def test_a_worker_whose_store_keeps_nothing_apart_says_so(
    alice: Person,
    private: str,
    repository: ServedRepository,
    start_service: Callable[..., RunningService],
    tmp_path: Path,
) -> None:
    token = "the worker's"
    digest = hashlib.sha256(token.encode()).hexdigest()
    service = start_service(worker_tokens={"another": digest})
    # The tests' own builder is busy with this one, and leaves the next to the other worker.
    service.tell(service.builder.free.clear)
    held = alice.call("POST", "api/builds", {"repository": repository.url}).json()["build"]["id"]
    worker_of = lambda build: alice.call("GET", f"api/builds/{build}").json()["worker"]  # noqa: E731
    eventually(lambda: worker_of(held) == WORKER, 60, "the tests' builder is busy")

    enter(alice, private)
    build = alice.call("POST", "api/builds", {"repository": private}).json()["build"]["id"]
    (tmp_path / "file").write_text("no folder can be made here")
    settings = {"artefacts": str(tmp_path / "file"), "builder_dir": str(tmp_path / "builder")}
    asyncio.run(work_once(Site(public_url=service.site.public_url, **settings), token))
    shown = alice.call("GET", f"api/builds/{build}").json()
    assert (shown["worker"], shown["state"]) == ("another", "failed")
    assert "for its reader alone" in shown["failure"]["message"]
    assert list((tmp_path / "builder" / "work").iterdir()) == []


# -- what is told of a token -----------------------------------------------------------------------


def test_a_token_is_never_told_again(
    alice: Person, private: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    enter(alice, private)
    launch = alice.launch(private)
    events = list(alice.events(launch))
    (kept,) = alice.call("GET", "api/credentials").json()
    assert set(kept) == {"host", "created", "used"}
    assert kept["created"] <= kept["used"]
    page = Browser(alice.url)
    page.follow("/services/binder/login")
    said = [str(events), caplog.text, page.client.get("/services/binder/mine").text]
    build = alice.call("GET", f"api/launches/{launch}").json()["build"]
    said.append(alice.call("GET", f"api/builds/{build}/log").text)
    assert not [text for text in said if TOKEN in text]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "token: Field required"),
        ({"token": ""}, "token: "),
        ({"token": "a\nusername=b"}, "token: "),
        ({"token": "a", "user_name": "b\nhost=evil"}, "user_name: "),
        ({"token": "a", "more": 1}, "more: "),
    ],
)
def test_what_is_no_token_is_refused(body: dict[str, Any], words: str, alice: Person) -> None:
    answer = alice.call("PUT", "api/credentials/git.example.org", body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(words)


def test_another_origins_page_and_a_bare_cookie_enter_nothing(
    alice: Person, service: RunningService
) -> None:
    browser = Browser(service.hub.url)
    browser.follow("/services/binder/")
    for headers in ({}, {"X-XSRFToken": browser.xsrf, "Origin": "https://elsewhere.example.org"}):
        path = "/services/binder/api/credentials/git.example.org"
        answer = browser.client.put(path, json={"token": TOKEN}, headers=headers)
        assert answer.status_code == 403, answer.text
    assert alice.call("GET", "api/credentials").json() == []
    answer = browser.client.put(path, json={"token": TOKEN}, headers={"X-XSRFToken": browser.xsrf})
    assert answer.status_code == 204
    page = browser.client.get("/services/binder/mine").text
    assert 'data-path="api/credentials/git.example.org"' in page
    # Without its script, the form would put whatever has a name into an address.
    form = page.partition('id="credential-form"')[2].partition("</form>")[0]
    assert 'type="password"' in form
    assert " name=" not in form


def test_a_token_that_the_sites_keys_do_not_open_is_to_be_entered_again(
    alice: Person, private: str, tmp_path: Path
) -> None:
    enter(alice, private)
    (tmp_path / "keys").unlink()
    add_key(tmp_path / "keys")
    refused = failure(alice, private)
    assert refused["message"].endswith("cannot be read: the site's keys have changed.")
    enter(alice, private)
    assert alice.follow(alice.launch(private))["phase"] == "ready"


def test_a_site_without_keys_has_no_private_repositories(
    alice: Person, private: str, start_service: Callable[..., RunningService]
) -> None:
    service = start_service(credential_keys_file="")
    refused = alice.call("PUT", "api/credentials/git.example.org", {"token": TOKEN})
    assert refused.status_code == 403
    assert refused.json()["message"] == "This site keeps no credentials for private repositories."
    assert "this site keeps no credentials" in failure(alice, private)["advice"]
    browser = Browser(service.hub.url)
    browser.follow("/services/binder/login")
    assert "private repositories" not in browser.client.get("/services/binder/mine").text
