"""`hpcbinderhub push`, from a clone on a laptop to a launch; and what becomes of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from cluster.person import Person
from repos.forge import git
from service.browser import Browser
from service.running import RunningService

pytestmark = pytest.mark.slow


class Laptop:
    """A machine with a clone on it, and the command."""

    def __init__(self, folder: Path):
        self.work = folder / "soundings"
        git(folder, "init", "--quiet", "--initial-branch=main", str(self.work))

    def commit(self, name: str, text: str) -> str:
        """Write a file and commit it; the commit."""
        (self.work / name).write_text(text)
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--message", f"Change {name}")
        return git(self.work, "rev-parse", "HEAD")

    def push(self, person: Person, *words: str) -> str:
        """What the command prints."""
        done = subprocess.run(
            [sys.executable, "-m", "hpcbinderhub", "push", *words, "--url", person.url],
            cwd=self.work,
            env=os.environ | {"JUPYTERHUB_API_TOKEN": person.token},
            capture_output=True,
            text=True,
            check=False,
        )
        assert bool(done.returncode) == bool(done.stderr), done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    made = Laptop(tmp_path)
    made.commit("requirements.txt", "numpy\n")
    return made


def spec_in(told: str) -> str:
    """The spec in the link that the command printed."""
    (link,) = [line for line in told.splitlines() if line.startswith("http")]
    return urlsplit(link).path.partition("/v2/")[2]


def launch(person: Person, spec: str) -> dict[str, Any]:
    """Launch a link; how it ended."""
    body = {"spec": spec, "profile": "interactive"}
    answer = person.call("POST", "api/launches", body)
    assert answer.status_code == 201, answer.text
    return person.follow(answer.json()["id"])


def test_a_clone_becomes_a_link_that_its_owner_alone_can_launch(
    alice: Person, bob: Person, laptop: Laptop
) -> None:
    head = git(laptop.work, "rev-parse", "HEAD")
    told = laptop.push(alice, "--profile", "regular", "--open", "a b.ipynb")
    assert told.splitlines() == [
        f"Sending soundings at {head[:12]}, 0.0 MiB.",
        "You alone can launch it here:",
        f"{alice.url}/services/binder/v2/pushed/alice/soundings/{head}"
        "?profile=regular&labpath=a+b.ipynb",
        "It goes when nobody has launched it for 30 days.",
    ]
    end = launch(alice, spec_in(told))
    assert end["phase"] == "ready", end
    shown = alice.call("GET", "api/launches").json()[0]
    assert (shown["commit"], shown["private"]) == (head, True)

    refused = launch(bob, spec_in(told))
    assert refused["message"] == (
        "There is no pushed repository alice/soundings that you may read."
    )
    assert refused["advice"] == "Ask alice to push it again, with `--share`."


def test_what_is_not_committed_comes_along_on_request(alice: Person, laptop: Laptop) -> None:
    (laptop.work / "new.txt").write_text("new\n")
    told = laptop.push(alice)
    assert told.startswith("1 changed or new file(s) are not sent; --uncommitted sends them")
    committed = spec_in(told)
    changed = spec_in(laptop.push(alice, "--uncommitted"))
    assert changed != committed
    assert git(laptop.work, "status", "--porcelain") == "?? new.txt"
    for spec in (committed, changed):
        end = launch(alice, spec)
        assert end["phase"] == "ready", end
        for server in alice.servers():
            alice.stop(server)


def test_what_is_shared_is_everybodys_and_nothing_private_comes_with_it(
    alice: Person, bob: Person, laptop: Laptop
) -> None:
    (laptop.work / "secret.txt").write_text("secret\n")
    private = spec_in(laptop.push(alice, "--uncommitted"))
    told = laptop.push(alice, "--share")
    assert "Everybody who may log in to the hub can launch it here:" in told
    build = {"spec": spec_in(told)}
    for person in (bob, alice):
        assert person.call("POST", "api/builds", build).status_code in (200, 201)
    for person in (bob, alice):
        refused = person.call("POST", "api/builds", {"spec": private}).json()
        assert refused["message"].startswith("alice has pushed no commit")
    # And it is closed again.
    laptop.push(alice)
    assert bob.call("POST", "api/builds", build).status_code == 404


def test_an_older_push_stays_and_the_last_one_has_no_need_of_a_name(
    alice: Person, laptop: Laptop
) -> None:
    first = spec_in(laptop.push(alice))
    second = laptop.commit("a.txt", "two")
    laptop.push(alice)
    commit = lambda spec: alice.call("POST", "api/builds", {"spec": spec}).json()["commit"]  # noqa: E731
    assert f"pushed/alice/soundings/{commit(first)}" == first
    assert commit("pushed/alice/soundings/HEAD") == commit("pushed/alice/soundings") == second
    assert commit(f"pushed/alice/soundings/{second[:8]}") == second
    refused = alice.call("POST", "api/builds", {"spec": "pushed/alice/soundings/main"})
    assert refused.status_code == 404
    assert "no branches or tags" in refused.json()["advice"]


def test_what_was_pushed_is_listed_and_removed(
    alice: Person, bob: Person, laptop: Laptop, service: RunningService
) -> None:
    spec = spec_in(laptop.push(alice, "--name", "other"))
    (listed,) = alice.call("GET", "api/pushed").json()
    assert (listed["name"], listed["spec"], listed["shared"]) == ("other", spec, False)
    assert listed["size"] > 0
    assert listed["goes"] == listed["used"] + 30 * 24 * 3600
    page = Browser(service.hub.url)
    page.follow("/services/binder/login")
    assert 'data-path="api/pushed/other"' in page.client.get("/services/binder/mine").text
    assert alice.call("POST", "api/builds", {"spec": spec}).status_code in (200, 201)

    assert bob.call("GET", "api/pushed").json() == []
    assert bob.call("DELETE", "api/pushed/other").status_code == 404
    assert alice.call("DELETE", "api/pushed/other").status_code == 204
    assert alice.call("DELETE", "api/pushed/other").status_code == 404
    refused = alice.call("POST", "api/builds", {"spec": spec}).json()
    assert refused["advice"] == "Push it again."


def test_lfs_and_submodules_are_told_of(alice: Person, laptop: Laptop) -> None:
    head = git(laptop.work, "rev-parse", "HEAD")
    (laptop.work / ".gitattributes").write_text("*.nc filter=lfs diff=lfs merge=lfs -text\n")
    git(laptop.work, "update-index", "--add", "--cacheinfo", f"160000,{head},library")
    git(laptop.work, "add", ".gitattributes")
    git(laptop.work, "commit", "--quiet", "--message", "More")
    told = laptop.push(alice)
    assert "Submodules are not pushed: library. A launch fetches those that have" in told
    assert (
        "Files in Git LFS are not pushed: you find the pointers to them in your workspace." in told
    )


# -- what is refused -------------------------------------------------------------------------------


def test_what_is_too_large_is_not_even_sent(
    alice: Person, laptop: Laptop, start_service: Callable[..., RunningService]
) -> None:
    start_service(push_mb=1, pushed_mb_per_user=2)
    (laptop.work / "noise.bin").write_bytes(os.urandom(900_000))
    laptop.push(alice, "--uncommitted", "--name", "first")
    laptop.push(alice, "--uncommitted", "--name", "second")
    refused = laptop.push(alice, "--uncommitted", "--name", "third")
    assert "You have pushed 2 MiB already, and this site keeps 2 MiB for each user." in refused
    (laptop.work / "noise.bin").write_bytes(os.urandom(1_200_000))
    refused = laptop.push(alice, "--uncommitted")
    assert "With its history, this is 1.1 MiB; the hub takes 1." in refused
    answer = send(alice, "large", b"x" * (2**20 + 1))
    assert (answer.status_code, answer.json()["message"]) == (
        413, "This is 1.0 MiB, and this site takes 1 MiB."
    )  # fmt: skip
    start_service(push_mb=0)
    answer = send(alice, "any", b"x")
    assert (answer.status_code, answer.json()["message"]) == (
        403, "This site takes no pushed repositories."
    )  # fmt: skip


def send(person: Person, name: str, body: bytes) -> httpx.Response:
    """A push by a program that checks nothing."""
    headers = {"Authorization": f"Bearer {person.token}"}
    url = f"{person.url}/services/binder/api/pushed/{name}"
    return httpx.put(url, content=body, headers=headers, timeout=60)


def test_what_is_no_repository_is_refused_and_leaves_nothing(
    alice: Person, laptop: Laptop, service: RunningService, tmp_path: Path
) -> None:
    git(laptop.work, "branch", "other", laptop.commit("b.txt", "b"))
    git(laptop.work, "reset", "--quiet", "--hard", "HEAD~1")
    git(laptop.work, "bundle", "create", str(tmp_path / "two"), "main", "other")
    git(laptop.work, "bundle", "create", str(tmp_path / "part"), "main..other")
    whole = (tmp_path / "two").read_bytes()
    sent = [b"", b"# v2 git bundle\n\n", b"nonsense", whole, whole[:-40]]
    for body in (*sent, (tmp_path / "part").read_bytes()):
        answer = send(alice, "soundings", body)
        assert answer.status_code == 400, answer.text
        assert answer.json()["message"].startswith("This is not a whole and sound repository")
    for name in ("..", "a%2Fb", ".git", "x" * 101):
        assert send(alice, name, whole).status_code in (400, 404)
    assert alice.call("GET", "api/pushed").json() == []
    kept = {path.name for path in Path(service.site.state_dir).iterdir()}
    assert not [name for name in kept if name.startswith("tmp")]
    assert list(Path(service.site.state_dir, "repos").iterdir()) == []


def test_a_push_that_is_refused_costs_nobody_else_an_answer(service: RunningService) -> None:
    with httpx.Client(base_url=f"{service.hub.url}/services/binder/", timeout=60) as stranger:
        for _ in range(40):
            assert stranger.put("api/pushed/any", content=b"{}").status_code == 403
            assert stranger.get("api/repoproviders").status_code == 200


def test_who_leaves_before_the_end_leaves_nothing(
    alice: Person, service: RunningService, laptop: Laptop
) -> None:
    with socket.create_connection(("127.0.0.1", service.hub.service_port)) as connection:
        connection.sendall(
            b"PUT /services/binder/api/pushed/half HTTP/1.1\r\nHost: hub\r\n"
            b"Content-Length: 1000\r\nExpect: 100-continue\r\n"
            b"Authorization: Bearer " + alice.token.encode() + b"\r\n\r\n"
        )
        # The service has begun to listen to the body.
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(b"half of it")
    laptop.push(alice)
    assert [one["name"] for one in alice.call("GET", "api/pushed").json()] == ["soundings"]
    assert not list(Path(service.site.state_dir).glob("tmp*"))


def test_what_is_wrong_on_the_laptop_is_said_there(
    alice: Person, laptop: Laptop, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    told = laptop.push(alice, str(tmp_path / "plain"))
    assert told.startswith(f"{tmp_path}/plain is not in a Git repository with files.")
    told = laptop.push(alice, "--ref", "main", "--uncommitted")
    assert "Leave out --ref or --uncommitted." in told
    alice_without = type("Nobody", (), {"url": alice.url, "token": ""})()
    assert laptop.push(alice_without).startswith("There is no token.\nMake one on the hub's page")
