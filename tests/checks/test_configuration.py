"""What `check` says of a site's files."""

from __future__ import annotations

from pathlib import Path

import pytest
from checks.grounds import found, ground, said


async def test_a_site_as_it_should_be(tmp_path: Path) -> None:
    text = (
        "c.Site.public_url = 'https://hub.example.org'\n"
        "c.JupyterHub.subdomain_host = 'https://hub.example.org'\n"
    )
    findings = await found("configuration", ground(tmp_path, text))
    assert {finding.outcome.value for finding in findings.values()} == {"ok"}


async def test_a_misspelt_name_is_found_with_its_line(tmp_path: Path) -> None:
    findings = await found("configuration", ground(tmp_path, "c.BuildPolicy.memory = 1"))
    finding = findings["c.BuildPolicy.memory"]
    assert finding.outcome.value == "failed"
    assert finding.sentence == (
        "There is no such setting, so it does nothing (10-site.py, line 6)."
    )
    assert findings["c.BuildPolicy.memory"].advice == "Did you mean c.BuildPolicy.memory_mb?"


@pytest.mark.parametrize(
    ("address", "outcome", "words", "advice"),
    [
        ("http://hub.example.org", "failed", "can be read on the way", "Put TLS before the hub"),
        ("http://127.0.0.1:8000", "warning", "good for a trial", "In production, set an address"),
    ],
)
async def test_plain_http(
    tmp_path: Path, address: str, outcome: str, words: str, advice: str
) -> None:
    findings = await found("configuration", ground(tmp_path, f"c.Site.public_url = {address!r}"))
    finding = findings["c.Site.public_url"]
    assert finding.outcome.value == outcome
    assert words in finding.sentence
    assert advice in finding.advice


async def test_an_address_that_no_compute_node_finds(tmp_path: Path) -> None:
    lines = "c.Site.public_url = 'http://127.0.0.1:8000'\nc.Site.login_hosts = ['login1:22']"
    finding = (await found("configuration", ground(tmp_path, lines)))["c.Site.public_url"]
    assert finding.outcome.value == "failed"
    assert "jobs run on other hosts" in finding.sentence


async def test_subdomains_are_expected_in_production(tmp_path: Path) -> None:
    here = ground(tmp_path, "c.Site.public_url = 'https://hub.example.org'")
    finding = (await found("configuration", here))["c.JupyterHub.subdomain_host"]
    assert finding.outcome.value == "failed"
    assert "one user's code can act in another's browser" in finding.sentence
    assert "a wildcard in DNS and in the certificate" in finding.advice
    trial = ground(tmp_path, "c.Site.public_url = 'http://localhost:8000'")
    finding = (await found("configuration", trial))["c.JupyterHub.subdomain_host"]
    assert finding.outcome.value == "warning"
    assert finding.sentence.endswith("For a trial, that will do.")
    plain = ground(tmp_path, "c.Site.public_url = 'http://hub.example.org'")
    finding = (await found("configuration", plain))["c.JupyterHub.subdomain_host"]
    assert finding.outcome.value == "failed"


async def test_server_sharing_is_said(tmp_path: Path) -> None:
    text = "c.JupyterHub.load_roles = [{'name': 'user', 'scopes': ['self', 'shares!user']}]"
    finding = (await found("configuration", ground(tmp_path, text)))["server sharing"]
    assert finding.outcome.value == "warning"
    assert "on for the roles: user. Whoever is given a server acts as its owner" in finding.sentence
    assert "Remove the `shares` scopes" in finding.advice


@pytest.mark.parametrize(
    ("content", "words", "advice"),
    [
        (None, "No such file", "Name a PEM file that the hub's account can read"),
        ("hello", "holds no certificate", "PEM format"),
        (
            "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----",
            "holds a private key, and every job gets this file",
            "replace the key",
        ),
    ],
)
async def test_the_authority(tmp_path: Path, content: str | None, words: str, advice: str) -> None:
    if content:
        (tmp_path / "ca.pem").write_text(content)
    here = ground(tmp_path, f"c.Site.ca_file = {str(tmp_path / 'ca.pem')!r}")
    finding = (await found("configuration", here))["c.Site.ca_file"]
    assert finding.outcome.value == "failed"
    assert words in finding.sentence
    assert advice in finding.advice


async def test_mount_points_that_images_lack(tmp_path: Path) -> None:
    here = ground(tmp_path, "c.Site.data_roots = ['/scratch/shared', '/project']")
    assert said((await found("configuration", here))["c.Site.mount_points"]) == (
        "failed",
        "Images have no directory /project, /scratch to mount the site's file systems on.",
        "Add '/project', '/scratch'; environments that are built from then on have them.",
    )


async def test_what_engines_cannot_do(tmp_path: Path) -> None:
    text = "c.Site.profiles = [{'name': 'p', 'title': 'P', 'partition': 'p', 'engine': 'sarus'}]"
    finding = (await found("configuration", ground(tmp_path, text)))["Profile “p”, sarus"]
    assert finding.outcome.value == "warning"  # The last of two; the first is a failure.
    here = await found("configuration", ground(tmp_path, "c.Site.profiles = []"))
    assert here["c.Site.profiles"].sentence.startswith("No profile is offered")
