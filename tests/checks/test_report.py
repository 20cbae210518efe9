"""The file for a support ticket: a secret in each place where one can be, and none in the file."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
from checks.grounds import ground
from traitlets import Dict, List, TraitError, Unicode

from hpcbinderhub.app import main
from hpcbinderhub.checks.redaction import redacted
from hpcbinderhub.checks.report import SHOWN
from hpcbinderhub.site import Site


class Secrets:
    """Hands them out, and looks for them."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def __call__(self) -> str:
        self.given.append(f"x{secrets.token_hex(8)}")
        return self.given[-1]

    def found_in(self, text: str) -> list[str]:
        return [one for one in self.given if one in text]


def secret_file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    path.chmod(0o640)
    return str(path)


def test_no_secret_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new = Secrets()
    auth = json.dumps({"auths": {"registry.example.org": {"auth": new()}}})
    files = {
        "credential_keys_file": secret_file(tmp_path, "keys", f"{new()}\n{new()}\n"),
        "image_signing_key": secret_file(tmp_path, "signing", f"-----BEGIN-----\n{new()}\n"),
        "image_registry_auth_file": secret_file(tmp_path, "auth", auth),
    }
    token = secret_file(tmp_path, "token", new())
    index = f"https://me:{new()}@pypi.example.org/simple"
    lines = [f"c.Site.{name} = {path!r}" for name, path in files.items()] + [
        f"c.Site.forge_token_files = {{'github.com': {token!r}}}",
        f"c.Site.database_url = 'postgresql+psycopg://hub:{new()}@127.0.0.1:1/db'",
        f"c.Site.build_environment = {{'PIP_INDEX_URL': {index!r}, 'NPM_TOKEN': {new()!r}}}",
        f"c.Site.slurm_environment = {{'LICENSE': {new()!r}}}",
        f"c.Site.job_prologue = 'export API_KEY={new()}\\nmodule load x'",
        f"c.Site.certificate_command = ['curl', '-u', {new()!r}, 'https://sign:{new()}@ca.org/']",
        f"c.Site.worker_tokens = {{'w': {new()!r}}}",
        f"c.Site.public_url = 'https://admin:{new()}@127.0.0.1:1/'",
        f"c.Site.image_registry = 'https://{new()}@registry.example.org/x'",
        f"c.BuildPolicy.mirrors = ['{new()}:443']",
        f"c.BuildJobs.prologue = 'export TOKEN=\"{new()}\"'",
        f"c.GitHubOAuthenticator.client_secret = {new()!r}",
        f"c.JupyterHub.services = [{{'name': 's', 'api_token': {new()!r}}}]",
        f"c.JupyterHub.cookie_secret = {new().encode()!r}",
        f"c.JupyterHub.db_url = 'mysql://hub:{new()}@db/hub'",
        f"c.Authenticator.admin_users.update({{{new()!r}}})",
        f"c.Spawner.environment = {{'S3_SECRET': {new()!r}}}",
        "c.Site.profiles = [{'name': 'p', 'title': 'P', 'partition': 'p', 'host': "
        f"{{'environment': {{'LM_LICENSE': {new()!r}}}}}, "
        f"'environment': {{'https_proxy': 'http://me:{new()}@proxy:3128'}}}}]",
        f"c.Site.job_environment = {{'HTTP_PROXY': 'http://me:{new()}@proxy:3128'}}",
    ]
    monkeypatch.setenv("PIP_INDEX_URL", f"https://me:{new()}@pypi.example.org/simple")
    monkeypatch.setenv("CONFIGPROXY_AUTH_TOKEN", new())
    here = ground(tmp_path, "\n".join(lines))
    report = tmp_path / "report.txt"
    arguments = ["check", "--config", str(here.directory), "--report", str(report)]
    assert main([*arguments, "--only", "configuration,secrets,storage,address,certificates"]) == 1
    text = report.read_text()
    assert new.found_in(text) == []
    assert report.stat().st_mode & 0o777 == 0o600
    # And it is still of use.
    for words in (
        f"✗ c.Site.credential_keys_file: {tmp_path / 'keys'} has mode 0640",
        "c.Site.build_environment = (set)",
        "c.GitHubOAuthenticator.client_secret = (set)",
        f"c.Site.state_dir = {str(tmp_path / 'state')!r}",
        "'name': 'p', 'engine': 'charliecloud'",
    ):
        assert words in text
    assert "no secret is in it" in capsys.readouterr().err


def test_a_setting_that_nobody_has_thought_about_is_not_shown(tmp_path: Path) -> None:
    new = Secrets()
    lines = []
    for name, trait in Site.class_traits(config=True).items():
        if type(trait) in (Unicode, List, Dict) and name not in SHOWN["Site"] | {"profiles"}:
            secret = new()
            value = _filled(trait, secret)
            try:
                Site(**{name: value})
            except TraitError:
                # It takes nothing of that kind, and so no secret.
                new.given.remove(secret)
            else:
                lines.append(f"c.Site.{name} = {value!r}")
    assert len(lines) > 5
    here = ground(tmp_path, "\n".join(lines))
    report = tmp_path / "report.txt"
    command = ["check", "--config", str(here.directory), "--report", str(report)]
    main([*command, "--only", "configuration,versions"])
    assert new.found_in(report.read_text()) == []


def _filled(trait: object, secret: str) -> object:
    if isinstance(trait, Dict):
        return {"github.com": secret}
    return [secret] if isinstance(trait, List) else secret


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    new = Secrets()
    here = ground(tmp_path)
    with (here.directory / "20-broken.py").open("w") as file:
        file.write(f"c = get_config()\nc.Site.watch_seconds = 'https://u:{new()}@h/{new()}'\n")
    report = tmp_path / "report.txt"
    assert main(["check", "--config", str(here.directory), "--report", str(report)]) == 1
    text = report.read_text()
    assert "The files in" in text
    assert new.found_in(text) == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("GET https://me:pw@host/x", "GET https://(removed)@host/x"),
        ("Authorization: Bearer abc", "Authorization: (removed) (removed)"),
        ("pushed with ghp_abcDEF123 to x", "pushed with (removed) to x"),
        ("-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----.", "(removed)."),
        ("user=x password=hunter2 host=y", "user=x password=(removed) host=y"),
        ("mail me@example.org about http://example.org/", None),
    ],
)
def test_what_looks_like_a_secret(text: str, left: str | None) -> None:
    assert redacted(text, ()) == (text if left is None else left)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    here = ground(tmp_path)
    (tmp_path / "report").symlink_to(tmp_path / "elsewhere")
    command = ["check", "--config", str(here.directory), "--only", "versions"]
    with pytest.raises(OSError, match="symbolic links"):
        main([*command, "--report", str(tmp_path / "report")])
    assert not (tmp_path / "elsewhere").exists()
