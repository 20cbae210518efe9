"""What `check` says of folders from which users launch, and of Shifter's gateway; the login node is
this host."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from checks.conftest import Slurm
from checks.grounds import found, said
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from hpcbinderhub.checks.finding import Outcome
from hpcbinderhub.checks.ground import Ground

Make = Callable[..., Ground]
ARTEFACT = "ab" * 32
IMAGE = "cd" * 32
SHIFTER = "c.Site.profiles = [{'name': 's', 'title': 'S', 'partition': 'p', 'engine': 'shifter'}]\n"


# -- repositories ------------------------------------------------------------------------------


async def test_folders_from_which_users_launch(site: Make, slurm: Slurm, tmp_path: Path) -> None:
    slurm.says("git", "")
    (tmp_path / "project").mkdir()
    (tmp_path / "file").touch()
    paths = [str(tmp_path / "project"), str(tmp_path / "file"), "/nonexistent", "scratch"]
    on = site(f"c.Site.repository_paths = {paths!r}", user="alice")
    (host,) = on.site.login_hosts
    findings = await found("repositories", on)
    words = [said(findings[f"c.Site.repository_paths, {path} on {host}"])[:2] for path in paths]
    assert words == [
        ("ok", f"alice can launch what she may read below {paths[0]}."),
        ("failed", f"To alice, there is no folder {paths[1]} on {host}."),
        ("failed", f"To alice, there is no folder /nonexistent on {host}."),
        ("failed", "scratch is no absolute path."),
    ]
    assert len(findings) == 4


async def test_repositories_and_no_git(site: Make, tmp_path: Path) -> None:
    on = site(f"c.Site.repository_paths = [{str(tmp_path)!r}]")
    (host,) = on.site.login_hosts
    findings = await found("repositories", on)
    finding = findings[f"c.Site.repository_paths, Git on {host}"]
    assert finding.outcome is Outcome.FAILED
    assert finding.advice.startswith("Install Git there")
    # Without --user, it is looked as the watcher's account.
    kept = findings[f"c.Site.repository_paths, {tmp_path} on {host}"]
    assert kept.sentence == f"watch can launch what she may read below {tmp_path}."


async def test_a_site_that_offers_no_path(site: Make) -> None:
    (finding,) = (await found("repositories", site())).values()
    assert finding.outcome is Outcome.SKIPPED
    assert finding.sentence == "No path is offered (c.Site.repository_paths)."


# -- Shifter -----------------------------------------------------------------------------------


class Gateway(RequestHandler):
    """Takes a file in, if the credential is one of its importers'."""

    asked: list[tuple[str, str]]
    folder: Path

    def post(self, tag: str) -> None:
        path = json.loads(self.request.body)["filepath"]
        self.asked.append((tag, path))
        if self.request.headers["authentication"] != "MUNGE:importer":
            self.set_status(500)
            return
        (self.folder / "taken-in").touch()
        self.write({"status": "PENDING"})


@pytest.fixture
async def gateway(slurm: Slurm) -> AsyncIterator[str]:
    """Shifter's; the lines that lead a site to it."""
    Gateway.asked, Gateway.folder = [], slurm.folder
    slurm.says("munge", "MUNGE:importer")
    there = f"[[ $* == 'lookup custom:hpcbinder-{ARTEFACT}:1' && -e {slurm.folder}/taken-in ]]"
    slurm.runs("shifterimg", f"{there} && echo {IMAGE}")
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/api/doimport/cluster/custom/(.*)/", Gateway)]))
    server.add_sockets(sockets)
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    yield f"{SHIFTER}c.Site.shifter_gateway = {url!r}\n"
    server.stop()


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """An image that everybody may run."""
    (tmp_path / "artefacts").mkdir(exist_ok=True)
    path = tmp_path / "artefacts" / f"{ARTEFACT}.squashfs"
    path.touch()
    return path


async def test_an_image_that_the_gateway_takes_in(site: Make, gateway: str, stored: Path) -> None:
    finding = (await found("shifter", site(gateway, user="alice")))["c.Site.shifter_gateway"]
    assert said(finding) == (
        *("ok", f"The gateway has image {ARTEFACT[:12]}, and gives alice id:{IMAGE}.", ""),
    )
    assert Gateway.asked == [(f"hpcbinder-{ARTEFACT}:1", str(stored))]


async def test_a_gateway_that_does_not_list_us(
    site: Make, gateway: str, stored: Path, slurm: Slurm
) -> None:
    slurm.says("munge", "MUNGE:somebody")
    finding = (await found("shifter", site(gateway, user="alice")))["c.Site.shifter_gateway"]
    assert finding.outcome is Outcome.FAILED
    assert "the image gateway refused the import: HTTP Error 500" in finding.sentence
    assert "It has to list hpcwatch in ImportUsers" in finding.advice


async def test_a_gateway_that_is_not_there(site: Make, stored: Path, slurm: Slurm) -> None:
    slurm.says("munge", "MUNGE:importer")
    slurm.says("shifterimg", "", 1)
    lines = f"{SHIFTER}c.Site.shifter_gateway = 'http://127.0.0.1:9'"
    finding = (await found("shifter", site(lines, user="alice")))["c.Site.shifter_gateway"]
    assert finding.outcome is Outcome.FAILED
    assert "Connection refused" in finding.sentence


async def test_a_login_node_without_shifters_program(
    site: Make, gateway: str, stored: Path, slurm: Slurm
) -> None:
    (slurm.folder / "shifterimg").unlink()
    finding = (await found("shifter", site(gateway, user="alice")))["c.Site.shifter_gateway"]
    assert finding.outcome is Outcome.FAILED
    assert "shifterimg is not in any of" in finding.sentence


async def test_a_pull_that_does_not_work(site: Make, stored: Path, slurm: Slurm) -> None:
    slurm.runs("shifterimg", "[[ $1 == pull ]] && echo FAILURE; [[ $1 == pull ]]")
    lines = f"{SHIFTER}c.Site.image_registry = 'registry.example.org/images'"
    finding = (await found("shifter", site(lines, user="alice")))["c.Site.image_registry"]
    assert finding.outcome is Outcome.FAILED
    assert "FAILURE" in finding.sentence
    assert "it has to reach c.Site.image_registry" in finding.advice


async def test_an_empty_store(site: Make, gateway: str) -> None:
    finding = (await found("shifter", site(gateway, user="alice")))["c.Site.shifter_gateway"]
    assert (finding.outcome, Gateway.asked) == (Outcome.WARNING, [])


async def test_what_is_not_asked_of_the_gateway(site: Make, gateway: str, stored: Path) -> None:
    finding = (await found("shifter", site(gateway)))["c.Site.shifter_gateway"]
    assert (finding.outcome, Gateway.asked) == (Outcome.SKIPPED, [])
    assert "--user NAME" in finding.sentence
    (finding,) = (await found("shifter", site(user="alice"))).values()
    assert finding.sentence == "No profile is for Shifter."
