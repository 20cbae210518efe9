"""What `check` says of files with secrets, and of what lies beside them."""

from __future__ import annotations

import os
from pathlib import Path

from checks.grounds import found, ground

from hpcbinderhub.database import Database


async def test_a_key_that_others_can_read(tmp_path: Path) -> None:
    key = tmp_path / "keys"
    key.write_text("secret")
    key.chmod(0o640)
    here = ground(tmp_path, f"c.Site.credential_keys_file = {str(key)!r}")
    finding = (await found("secrets", here))["c.Site.credential_keys_file"]
    assert finding.outcome.value == "failed"
    assert finding.sentence.endswith("has mode 0640: others than its owner can read or write it.")
    assert finding.advice.startswith(f"chmod 600 {key};")
    key.chmod(0o600)
    finding = (await found("secrets", here))["c.Site.credential_keys_file"]
    assert (finding.outcome.value, finding.sentence) == ("ok", f"{key} is for its owner alone.")


async def test_a_key_that_is_missing_and_one_of_somebody_else(tmp_path: Path) -> None:
    here = ground(tmp_path, "c.Site.forge_token_files = {'github.com': '/nonexistent/token'}")
    finding = (await found("secrets", here))["c.Site.forge_token_files['github.com']"]
    assert finding.sentence == "/nonexistent/token cannot be read: No such file or directory."
    assert "has mode 0600" in finding.advice


async def test_a_workers_files_are_the_workers_matter(tmp_path: Path) -> None:
    text = "c.Site.worker_token_file = '/nonexistent/worker'"
    here = ground(tmp_path, text)
    assert (await found("secrets", here))["secrets"].outcome.value == "skipped"
    (tmp_path / "builder").mkdir()
    assert (await found("secrets", here))["c.Site.worker_token_file"].outcome.value == "failed"


def set_mode(path: Path, mode: int) -> None:
    path.chmod(mode)


async def test_jupyterhubs_own_files(tmp_path: Path) -> None:
    database, cookies = tmp_path / "jupyterhub.sqlite", tmp_path / "cookie-secret"
    for path in (database, cookies):
        path.touch(mode=0o644)
    set_mode(tmp_path, 0o755)
    text = f"c.JupyterHub.db_url = 'sqlite:///{database}'\n"
    text += f"c.JupyterHub.cookie_secret_file = {str(cookies)!r}"
    findings = await found("secrets", ground(tmp_path, text))
    for what, path in (("db_url", database), ("cookie_secret_file", cookies)):
        assert findings[f"c.JupyterHub.{what}"].outcome.value == "failed"
        assert findings[f"c.JupyterHub.{what}"].advice.startswith(f"chmod 600 {path};")
    set_mode(tmp_path, 0o700)
    finding = (await found("secrets", ground(tmp_path, text)))["c.JupyterHub.db_url"]
    assert (finding.outcome.value, finding.sentence) == (
        "ok",
        f"{tmp_path} is for its owner alone.",
    )
    plain = findings["servers' secrets"]
    assert plain.outcome.value == "warning"
    assert "each copy of it" in plain.sentence
    keys = tmp_path / "keys"
    keys.touch(mode=0o600)
    findings = await found("secrets", ground(tmp_path, f"c.Site.credential_keys_file = '{keys}'"))
    assert findings["servers' secrets"].outcome.value == "ok"


async def test_state_that_others_see(tmp_path: Path) -> None:
    here = ground(tmp_path)
    (tmp_path / "state").chmod(0o755)
    finding = (await found("storage", here))["c.Site.state_dir"]
    assert finding.outcome.value == "failed"
    assert "others see the queue and private repositories" in finding.sentence
    assert finding.advice == f"chmod 700 {tmp_path / 'state'}"


async def test_state_that_is_missing_is_the_end_of_it(tmp_path: Path) -> None:
    here = ground(tmp_path, "c.Site.state_dir = '/nonexistent'")
    findings = await found("storage", here)
    assert findings["c.Site.state_dir"].sentence == "/nonexistent: No such file or directory."
    assert "install -d -m 0700" in findings["c.Site.state_dir"].advice
    assert "c.Site.database_url" not in findings


async def test_the_database_and_its_revision(tmp_path: Path) -> None:
    here = ground(tmp_path)
    finding = (await found("storage", here))["c.Site.database_url"]
    assert finding.outcome.value == "warning"
    assert "`hpcbinderhub db upgrade`" in finding.advice
    database = Database(here.site.database_url)
    assert database.revisions()[0] is None
    finding = (await found("storage", here))["c.Site.database_url"]
    assert finding.outcome.value == "failed"
    assert "of revision None, and this version's of 00" in finding.sentence
    database.upgrade()
    await database.close()
    finding = (await found("storage", here))["c.Site.database_url"]
    assert finding.outcome.value == "ok"


async def test_a_database_that_cannot_be_reached_keeps_its_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://hub:hunter2@127.0.0.1:1/x"
    finding = (await found("storage", ground(tmp_path, f"c.Site.database_url = {url!r}")))[
        "c.Site.database_url"
    ]
    assert finding.outcome.value == "failed"
    assert "hub:***@127.0.0.1:1/x cannot be used: " in finding.sentence
    assert "hunter2" not in finding.sentence


async def test_a_store_that_is_closed(tmp_path: Path) -> None:
    here = ground(tmp_path, "c.Site.artefacts = '/nonexistent/store'")
    finding = (await found("storage", here))["c.Site.artefacts"]
    assert finding.sentence == "/nonexistent/store is missing here, or closed to this account."
    assert "with mode 0755" in finding.advice
    here = ground(tmp_path, "c.Site.free_disk_mb = 1 << 40")
    finding = (await found("storage", here))["c.Site.artefacts"]
    assert finding.outcome.value == "warning"
    assert "c.Site.artefacts_limit_gb" in finding.advice
    assert os.access(tmp_path / "artefacts", os.R_OK)
