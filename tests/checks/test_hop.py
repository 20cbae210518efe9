"""What `check` says of where the hub listens for the proxy, and of the helper for more time."""

from __future__ import annotations

from pathlib import Path

from checks.grounds import found, ground, said

from hpcbinderhub.checks.finding import Outcome


async def test_where_the_hub_listens(tmp_path: Path) -> None:
    finding = (await found("hop", ground(tmp_path)))["c.Site.hop_address"]
    assert finding.outcome is Outcome.OK
    elsewhere = ground(tmp_path, "c.Site.hop_address = '192.0.2.77'")
    finding = (await found("hop", elsewhere))["c.Site.hop_address"]
    assert finding.sentence.startswith("The hub cannot listen at 192.0.2.77: ")
    assert finding.advice.startswith("Set it to an address of this host's")


async def test_a_proxy_that_ends_with_the_hub(tmp_path: Path) -> None:
    what = "c.ConfigurableHTTPProxy.should_start"
    finding = (await found("hop", ground(tmp_path)))[what]
    assert finding.outcome is Outcome.WARNING
    assert "a restart of the hub breaks all open kernels" in finding.sentence
    assert "c.ConfigurableHTTPProxy.should_start = False" in finding.advice
    own = ground(tmp_path, "c.ConfigurableHTTPProxy.should_start = False")
    assert (await found("hop", own))[what].outcome is Outcome.OK
    # Another proxy has settings of its own.
    other = ground(tmp_path, "c.JupyterHub.proxy_class = 'traefik_file'")
    assert what not in await found("hop", other)


async def test_the_helper_for_more_time(tmp_path: Path) -> None:
    async def asked(script: str) -> tuple[str, str, str]:
        lines = f"c.Site.extend_command = ['sh', '-c', {script!r}]"
        return said((await found("extension", ground(tmp_path, lines)))["c.Site.extend_command"])

    refusing = 'grep -q \'"job": "0"\' && echo There is no such job.; exit 1'
    assert await asked(refusing) == (
        *("ok", "It answers, and refuses a job that there is not: There is no such job.", ""),
    )
    outcome, sentence, advice = await asked("exit 0")
    assert (outcome, sentence) == (
        *("failed", "It says that it gave more time to job 0, which there is not."),
    )
    assert advice.startswith("Have it look whose the job is")
    missing = ground(tmp_path, "c.Site.extend_command = ['/nonexistent/extend']")
    finding = (await found("extension", missing))["c.Site.extend_command"]
    assert finding.sentence == "The site's helper cannot be run (No such file or directory)."
    finding = (await found("extension", ground(tmp_path)))["extension"]
    assert finding.outcome is Outcome.SKIPPED
