"""A job that `check` sends out: here Slurm runs it on this host, and everything else is real."""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trustme
from checks.conftest import Slurm
from checks.grounds import found
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from hpcbinderhub.checks.finding import Finding, Outcome, failed
from hpcbinderhub.checks.ground import Ground
from hpcbinderhub.checks.jobs import reached
from hpcbinderhub.checks.nodes import of_report
from hpcbinderhub.checks.run import look_at
from hpcbinderhub.checks.table import MATTERS
from hpcbinderhub.images.engines import engine_class
from hpcbinderhub.site import Site

Make = Callable[..., Ground]
AUTHORITY = trustme.CA()
ENGINE = """#!/bin/bash
[[ $1 == --version ]] && { echo 0.38; exit; }
while [[ $1 != -- ]]; do shift; done; shift; exec "$@"
"""


class Version(RequestHandler):
    def get(self) -> None:
        self.write({"version": "6.1.1"})


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[str]:
    """A hub with TLS; the lines that lead a site to it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/hub/api/", Version)]), ssl_options=context)
    server.add_sockets(sockets)
    url = f"https://localhost:{sockets[0].getsockname()[1]}/"
    yield f"c.Site.public_url = {url!r}\nc.Site.ca_file = {str(tmp_path / 'ca.pem')!r}\n"
    server.stop()


@pytest.fixture
def node(tmp_path: Path, slurm: Slurm) -> str:
    """A node with an engine; the lines that make a site of it."""
    slurm.takes_jobs()
    slurm.says("sacctmgr", "geo||normal|normal\n")
    engine = tmp_path / "bin" / "ch-run"
    engine.parent.mkdir()
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    (tmp_path / "artefacts").mkdir(exist_ok=True)
    (tmp_path / "artefacts" / f"{'1' * 64}.squashfs").touch()
    path = f"{engine.parent}:{Path(sys.executable).parent}:/usr/bin:/bin"
    return (
        f"c.Site.workspace_root = {str(tmp_path / 'work')!r}\n"
        f"c.Site.job_prologue = 'export PATH={path}'\n"
        f"c.Site.data_roots = ['/usr', '/nonexistent/data']\n"
    )


async def all_of(on: Ground) -> list[Finding]:
    """Every finding of the matter."""
    (looked,) = await look_at([m for m in MATTERS if m.name == "jobs"], on)
    return list(looked.findings)


async def test_a_job_there_and_back(
    site: Make, hub: str, node: str, slurm: Slurm, tmp_path: Path
) -> None:
    findings = await all_of(site(hub + node, user="alice"))
    words = [finding.sentence for finding in findings]
    assert words[0] == "alice submitted job 7."
    assert words[1].startswith("watch sees it: ")
    wrong = [finding for finding in findings if finding.outcome is Outcome.FAILED]
    assert [finding.sentence for finding in wrong] == [
        "/nonexistent/data is missing there, or closed to the user."
    ]
    assert wrong[0].advice == "Mount it on the node, or take it out of c.Site.data_roots."
    for said in (
        *("It sees what the login node wrote below c.Site.workspace_root.", "/usr is there."),
        *("Charliecloud: 0.38.", "It ran a command in the newest image of the store."),
        "Its clock and the hub's are 0 s apart.",
        "The hub reaches what a job listens at on 127.0.0.1.",
    ):
        assert said in words
    assert any(said.startswith("It reaches the hub at https://localhost") for said in words)
    assert words[-1] == "It was cancelled, and ended."
    options = (slurm.folder / "options").read_text().splitlines()
    assert "--cpus-per-task=1" in options
    assert list((tmp_path / "work" / "launches").iterdir()) == []


async def test_an_authority_that_did_not_sign_the_hubs_certificate(
    site: Make, hub: str, node: str, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    (finding,) = [
        finding
        for finding in await all_of(site(hub + node, user="alice"))
        if finding.sentence.startswith("It does not reach the hub")
    ]
    assert "CERTIFICATE_VERIFY_FAILED" in finding.sentence
    assert finding.advice.startswith("Set c.Site.ca_file to the authority that signed")


async def test_a_node_that_the_hub_does_not_reach() -> None:
    finding = await reached("p", "127.0.0.1", 1)
    assert finding.outcome is Outcome.FAILED
    assert finding.sentence.startswith("This host does not reach port 1 of 127.0.0.1")
    assert "from 1024 up" in finding.advice


async def test_a_watcher_that_sees_nothing(
    site: Make, hub: str, node: str, slurm: Slurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpcbinderhub.checks.jobs.SIGHT_SECONDS", 0.5)
    monkeypatch.setattr("hpcbinderhub.checks.jobs.END_SECONDS", 0.5)
    slurm.takes_jobs(seen=False)
    findings = await all_of(site(hub + node, user="alice"))
    assert findings[1] == failed(
        "p, charliecloud",
        "watch does not see job 7 of alice, so no server is ever ready.",
        "sacctmgr modify user watch set AdminLevel=Operator (PrivateData hides others' jobs); "
        "or set c.Site.watch_as = 'users', which is slower.",
    )
    assert any(finding.sentence.startswith("It reaches the hub") for finding in findings)
    assert findings[-1].advice.startswith("scancel 7")


async def test_a_job_that_dies_at_once(site: Make, hub: str, node: str, slurm: Slurm) -> None:
    slurm.takes_jobs(ending=True)
    lines = "c.Site.job_prologue = 'echo no such module >&2; exit 1'\n"
    findings = await all_of(site(hub + node + lines, user="alice"))
    assert findings[2].outcome is Outcome.FAILED
    assert "The job ended before it had reported." in findings[2].sentence
    assert "Its last lines: no such module" in findings[2].sentence
    assert "c.Site.job_prologue" in findings[2].advice


async def test_slurm_refuses_the_job(site: Make, node: str, slurm: Slurm) -> None:
    slurm.runs("sbatch", "echo 'sbatch: error: Invalid partition specified: p' >&2; exit 1")
    here = site(node, user="alice")
    (finding,) = await all_of(here)
    assert finding.sentence == (
        "Slurm refused the job. (sbatch: error: Invalid partition specified: p)"
    )
    assert finding.advice
    finding = (await found("profiles", here))["profile “p” as alice"]
    assert finding.outcome is Outcome.FAILED
    assert "Invalid partition" in finding.sentence


async def test_slurm_would_take_it(site: Make, node: str) -> None:
    finding = (await found("profiles", site(node, user="alice")))["profile “p” as alice"]
    assert finding.sentence.startswith("Slurm would take it, and start it in ")


async def test_nobody_to_submit_as(site: Make, slurm: Slurm) -> None:
    (finding,) = await all_of(site())
    assert finding.outcome is Outcome.SKIPPED
    assert finding.sentence.endswith("say as whom, with --user NAME.")
    slurm.says("sacctmgr", "")
    (finding,) = await all_of(site(user="dave"))
    assert finding.sentence.startswith("Slurm's accounting has no account")
    assert finding.advice.startswith("Name another user")


@pytest.mark.parametrize(
    ("changed", "words", "advice"),
    [
        ({"shared": "no"}, "does not see what the login node wrote", "compute nodes share"),
        ({"engine": None}, "Charliecloud is not on a job's PATH", "the profile's `modules`"),
        ({"store": "no"}, "artefact store /artefacts is missing there", "with mode 0755"),
        ({"fuse": "no"}, "It has no FUSE", "/dev/fuse mode 0666"),
        ({"fuse": "no", "local": "yes /tmp 10"}, "/tmp takes no image", "c.Site.node_local"),
        ({"userns": "no"}, "cannot make user namespaces", "max_user_namespaces"),
        ({"run": "no oh dear"}, "could not run the newest image: oh dear", "docs/engines.md"),
        ({"call": "no timed out"}, "does not reach the hub at", "firewalls let it"),
        ({"call": None}, "neither python3 nor curl", "by hand"),
    ],
)
def test_what_a_node_says(
    tmp_path: Path, changed: dict[str, str | None], words: str, advice: str
) -> None:
    well = {
        "host": "n1",
        "shared": "yes",
        "engine": "0.38",
        "store": "yes",
        "fuse": "yes",
        "local": "yes /tmp 99999",
        "userns": "yes",
        "run": "yes",
        "call": "yes",
    }
    report = {name: [value] for name, value in {**well, **changed}.items() if value is not None}
    charliecloud = engine_class("charliecloud")
    findings = [
        finding
        for finding in of_report("p", report, charliecloud, Site(), "https://hub")
        if finding.outcome is not Outcome.OK
    ]
    assert any(words in finding.sentence and advice in finding.advice for finding in findings), (
        json.dumps([finding.sentence for finding in findings])
    )
    assert {finding.what for finding in findings} == {"p on n1"}
