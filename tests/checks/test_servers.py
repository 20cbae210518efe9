"""A server that `check` starts on a login node, which is this host: real, as a launch's is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from checks.conftest import Slurm
from checks.grounds import matter
from slurm.login_node import LoginNode

from hpcbinderhub.checks.finding import Finding, Outcome
from hpcbinderhub.checks.ground import Ground
from hpcbinderhub.checks.run import look_at

Make = Callable[..., Ground]

pytestmark = pytest.mark.slow


@pytest.fixture
def lines(tmp_path: Path, node: str) -> str:
    """A site whose one profile is for login nodes."""
    login = {"name": "l", "title": "L", "spawner": "login", "memory_mb": 2048}
    (tmp_path / "home").mkdir()
    return f"{node}c.Site.profiles = [{login!r}]\n"


async def all_of(on: Ground) -> list[Finding]:
    (looked,) = await look_at([matter("servers")], on)
    return list(looked.findings)


async def test_a_server_there_and_back(
    site: Make, hub: str, lines: str, login: LoginNode, tmp_path: Path
) -> None:
    findings = await all_of(site(hub + lines, user="alice"))
    words = [finding.sentence for finding in findings]
    assert words[0].startswith("alice started server ")
    assert words[1].startswith("watch sees it: ")
    for said in (
        *("Charliecloud: 0.38.", "It ran a command in the newest image of the store."),
        "This host reaches what listens on 127.0.0.1.",
    ):
        assert said in words
    assert any(said.startswith("It reaches the hub at https://localhost") for said in words)
    assert words[-1] == "It was cancelled, and ended."
    assert {finding.what.partition(" on 127")[0] for finding in findings} >= {"l, charliecloud"}
    assert list((tmp_path / "work" / "launches").iterdir()) == []


async def test_a_login_node_without_the_engine(site: Make, hub: str, lines: str) -> None:
    lines = lines.replace("'spawner'", "'engine': 'enroot', 'spawner'")
    wrong = [one for one in await all_of(site(hub + lines, user="alice")) if one.advice]
    assert "Enroot is not on a job's PATH there." in [one.sentence for one in wrong]
    assert any("Install it on the node" in one.advice for one in wrong)


async def test_a_login_node_that_does_not_answer_beside_one_that_does(
    site: Make, hub: str, lines: str, login: LoginNode
) -> None:
    two = f"c.Site.login_hosts = ['127.0.0.1:1', '127.0.0.1:{login.port}']\n"
    findings = await all_of(site(hub + lines + two, user="alice"))
    (first, *others) = findings
    assert first.outcome is Outcome.FAILED
    assert first.what == "l, charliecloud on 127.0.0.1:1"
    assert others[-1].sentence == "It was cancelled, and ended."


async def test_nobody_to_start_one_as_and_no_profile_for_it(
    site: Make, lines: str, slurm: Slurm
) -> None:
    (finding,) = await all_of(site(lines))
    assert finding.sentence == "No server was started: say as whom, with --user NAME."
    (finding,) = await all_of(site(user="alice"))
    assert finding.sentence == "No profile is for servers on login nodes."
    assert finding.outcome is Outcome.SKIPPED
